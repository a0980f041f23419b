# Two commands matter: `make run` and `make test`. Everything happens inside .venv and build/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: $(shell grep -oE "^[a-z-]+:" Makefile | tr -d :)
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=600 \
	--nbval-sanitize-with tests/nbval_sanitize.cfg -o addopts=

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11, 3.12 or 3.13 is needed: make run PYTHON=python3.12" if not (3, 11) <= sys.version_info[:2] <= (3, 13) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[offline,notebooks,site,bench,export,exchange,demo,scale,test]'
	touch $@

run: $(READY)  ## run all lessons, train the model, make a page of each: open build/index.html
	$(BIN)/python -m tools.execute --output build

quick: $(READY)  ## on the terminal in under 3 minutes: show, train, save, load, tag
	$(BIN)/python -m nerlib run --output build

test: $(READY)  ## prove it: style, types, doctests, tests, every notebook run again, the wheel
	$(MAKE) test-here
	$(MAKE) test-install

test-here: $(READY)  ## the same without the wheel: nothing is fetched
	$(MAKE) lint
	$(MAKE) test-notebooks
	$(MAKE) test-python

test-install: $(READY)  ## build the wheel, use it with the pinned and with the lowest versions
	NERLIB_TEST_INSTALL=1 $(BIN)/python -m pytest tests/test_install.py

test-python: $(READY)  ## doctests and tests; PYTEST="tests/test_tags.py" for some of them
	$(BIN)/python -m pytest $(PYTEST)

test-notebooks: $(READY)  ## run every notebook again and compare its outputs
	$(BIN)/python -m pytest $(NBVAL) notebooks

test-colab: $(READY)  ## run a lesson as Colab would: its packages, its set-up cell
	NERLIB_TEST_COLAB=1 $(BIN)/python -m pytest tests/test_colab.py

test-browser: $(READY)  ## run a lesson in JupyterLab in a real browser and type a sentence
	$(BIN)/python -m pytest tests/test_browser.py

demo: $(READY)  ## a page to try the models in build/, and to correct them; DEMO="--port 8000"
	$(BIN)/python -m nerlib demo $(DEMO)

torture: $(READY)  ## kill training 200 times at random moments, go on, compare the end
	$(BIN)/python tests/torture.py --kills 200

test-hub-notebooks: $(READY)  ## run the lessons with a stand-in for the Hub, and again offline
	NERLIB_TEST_HUB_NOTEBOOKS=1 $(BIN)/python -m pytest tests/test_hub_notebooks.py

test-site: $(READY)  ## make the web book and the slides, and read them in a real browser
	NERLIB_TEST_SITE=1 $(BIN)/python -m pytest tests/test_site.py tests/test_slides.py

fuzz: $(READY)  ## look for inputs that break it: 10 million, on Linux; FUZZ="--parser 200000" for fewer
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[fuzz]'
	$(BIN)/python tests/fuzz_run.py $(FUZZ)

bench: $(READY)  ## how fast it is beside what people use instead: a table of ratios, about 10 minutes
	$(BIN)/python -m benchmarks.bench --output benchmarks/results.json $(BENCH)

results: $(READY)  ## how good it gets on MASSIVE: seeds, rows, settings; needs NERLIB_MASSIVE_DIR
	$(BIN)/python -m benchmarks.results $(RESULTS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lab: $(READY)  ## open JupyterLab, at the lessons
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks $(if $(filter 0,$(shell id -u)),--allow-root)

notebooks: $(READY)  ## run the notebooks again in place and clean them: what is committed
	$(BIN)/python -m tools.execute
	$(MAKE) colab

colab: $(READY)  ## write the copies for Colab; REPO=owner/name says where the project is published
	$(BIN)/python -m tools.colab $(if $(REPO),--repo $(REPO))
	$(BIN)/python -m tools.readme

exercises: $(READY)  ## run the solutions again in place, and make the exercises from them
	$(BIN)/python -m tools.exercises

site: $(READY)  ## make the course a web book: open build/site/index.html
	$(BIN)/python -m tools.site

slides: $(READY)  ## make slides of every lesson: open build/slides/index.html
	$(BIN)/python -m tools.slides

check: $(READY)  ## check the set-up: one OK or FAIL line each, with its fix
	$(BIN)/python -m nerlib check

sample: $(READY)  ## build the sample corpus again from its sources
	$(BIN)/python -m tools.build_sample

clean:  ## remove everything that was made, the virtual environment too
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
