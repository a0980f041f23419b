# Two commands matter: `make run` and `make test`. Everything happens inside .venv and build/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help run test lint lab check sample clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11, 3.12 or 3.13 is needed: make run PYTHON=python3.12" if not (3, 11) <= sys.version_info[:2] <= (3, 13) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[offline,notebooks,test]'
	touch $@

run: $(READY)  ## train, save, load and tag: the whole way in under 3 minutes
	$(BIN)/python -m nerlib run --output build

test: $(READY) lint  ## prove it: style, types, doctests and tests
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lab: $(READY)  ## open JupyterLab in notebooks/
	$(BIN)/jupyter lab --notebook-dir=notebooks $(if $(filter 0,$(shell id -u)),--allow-root)

check: $(READY)  ## check the set-up: one OK or FAIL line each, with its fix
	$(BIN)/python -m nerlib check

sample: $(READY)  ## build the sample corpus again from its sources
	$(BIN)/python nerlib/data/sample/build_sample.py

clean:  ## remove everything that was made, the virtual environment too
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
