# Two commands matter: `make run` and `make test`. Everything happens inside .venv and build/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.all
EXTRAS := offline notebooks site bench export exchange scale serve labels test browser
LESSONS ?= 00 01 02 03 04 05 06
SHEET ?= build/cheat-sheet
CHROMIUM ?= $(firstword $(shell which chromium chromium-browser google-chrome 2> /dev/null))

.DEFAULT_GOAL := help
.PHONY: $(shell grep -oE "^[a-z-]+:" Makefile | tr -d :)
# What needs no extra, and no lesson behind 06: library, analysis and most of the tools.
CORE := nerlib tools tests --ignore=tests/full --ignore=nerlib/tools/service.py \
	--ignore=nerlib/tools/exchange/spacy_docs.py --ignore=nerlib/tools/serving/without_nerlib.py
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=86400 \
	--nbval-sanitize-with tests/nbval_sanitize.cfg -o addopts=
# Tests run on two cores, each with a process of one thread: JOBS=0 for one that has all of them.
JOBS ?= 2
PARALLEL := $(if $(filter-out 0,$(JOBS)),OMP_NUM_THREADS=1) $(BIN)/python -m pytest -n $(JOBS) \
	--dist loadfile --no-loadscope-reorder
# Run lessons again, with the checks that their readers do not see, and compare their outputs. 05
# comes first: it takes longest, and leaves the model that others load.
define test-lessons
	$(BIN)/python tests/checked_lessons.py build/checked $(1)
	$(PARALLEL) $(NBVAL) build/checked/05_* $(filter-out build/checked/05_%, \
		$(addprefix build/checked/,$(notdir $(wildcard $(1)))))
endef

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

# Each marker says which packages .venv holds: those of the lessons 00 to 06, of `make test`, of all.
$(VENV)/.lessons: pyproject.toml constraints.txt
	$(PYTHON) tools/install.py offline notebooks
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt
	$(PYTHON) tools/install.py offline notebooks test
	touch $@ $(VENV)/.lessons

$(READY): pyproject.toml constraints.txt
	$(PYTHON) tools/install.py $(EXTRAS)
	touch $@ $(VENV)/.lessons $(VENV)/.test

run: $(VENV)/.lessons  ## run lessons 00 to 06, train the model, make a page of each; LESSONS="07 08"
	@echo "Starting lessons $(LESSONS) …"
	@$(BIN)/python -m tools.execute --output build $(LESSONS)

run-all: $(READY)  ## the same with all lessons
	@echo "Starting all lessons …"
	@$(BIN)/python -m tools.execute --output build

quick: $(VENV)/.lessons  ## on the terminal in about 2 minutes: show, train, save, load, tag
	$(BIN)/python -m nerlib run --output build

test: $(VENV)/.test  ## prove it: style, types, doctests, tests, the lessons 00 to 06 run again
	$(MAKE) lint
	$(PARALLEL) $(CORE)
	$(call test-lessons,notebooks/0[0-6]_*.ipynb)

test-all: $(READY)  ## everything that can be tested: what CI runs
	$(MAKE) test-here
	$(MAKE) test-install test-colab test-hub-notebooks test-site test-multilingual

test-here: $(READY)  ## all but the wheel, Colab, the Hub's stand-in and the book: nothing is fetched
	$(MAKE) lint
	$(MAKE) test-notebooks
	$(MAKE) test-python

test-stick: $(READY)  ## fetch the wheels of a stick, and use them with the network cut, on Linux
	$(PYTHON) tools/install.py stick
	NERLIB_TEST_STICK=1 $(BIN)/python -m pytest tests/full/test_install.py -k stick

test-install: $(READY)  ## build the wheel, use it with the pinned and with the lowest versions
	NERLIB_TEST_INSTALL=1 $(BIN)/python -m pytest tests/full/test_install.py

test-python: $(READY)  ## doctests and tests; PYTEST="tests/test_tags.py" for some of them
	$(PARALLEL) $(PYTEST)

test-notebooks: $(READY)  ## run every notebook again and compare its outputs
	$(call test-lessons,notebooks/*.ipynb)

test-colab: $(READY)  ## run a lesson as Colab would: its packages, its set-up cell
	NERLIB_TEST_COLAB=1 $(BIN)/python -m pytest tests/full/test_colab.py

test-browser: $(READY)  ## run a lesson in JupyterLab in a real browser and type a sentence
	$(BIN)/python -m pytest tests/full/test_browser.py

serve: $(READY)  ## a page to try build/model, and to correct it; SERVE="--model build/own/model"
	$(BIN)/python -m nerlib serve --open $(SERVE)

torture: $(READY)  ## kill training 200 times at random moments, go on, compare the end
	$(BIN)/python tests/torture.py --kills 200

test-hub-notebooks: $(READY)  ## run the lessons with a stand-in for the Hub, and again offline
	NERLIB_TEST_HUB_NOTEBOOKS=1 $(BIN)/python -m pytest tests/full/test_hub_notebooks.py

test-site: $(READY)  ## make the web book and the slides, and read them in a real browser
	NERLIB_TEST_SITE=1 $(BIN)/python -m pytest tests/full/test_site.py tests/full/test_slides.py \
		tests/full/test_page_tagger.py

test-multilingual: $(READY)  ## fetch the multilingual encoder (91 MB); what is published comes out
	NERLIB_TEST_MULTILINGUAL=1 $(BIN)/python -m pytest $(PYTEST) \
		tests/full/test_real_multilingual_e5.py tests/test_writing_systems.py

fuzz: $(READY)  ## look for inputs that break it: 10 million, on Linux; FUZZ="--parser 200000" for fewer
	$(PYTHON) tools/install.py fuzz
	$(BIN)/python tests/fuzz_run.py $(FUZZ)

bench: $(READY)  ## how fast it is beside what people use instead: a table of ratios, about 10 minutes
	$(BIN)/python -m benchmarks.bench --output benchmarks/results.json $(BENCH)

results: $(READY)  ## how good it gets on MASSIVE: seeds, rows, settings; needs NERLIB_MASSIVE_DIR
	$(BIN)/python -m benchmarks.results

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lab: $(VENV)/.lessons  ## open JupyterLab, at the first lesson
	@echo "Starting JupyterLab …"
	@$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(if $(filter 0,$(shell id -u)),--allow-root)

notebooks: $(READY)  ## run the notebooks again in place and clean them: what is committed
	$(BIN)/python -m tools.execute
	$(MAKE) colab

colab: $(READY)  ## write headers, exercises, the README's tables, copies for Colab and live coding
	$(BIN)/python -m tools.colab
	$(BIN)/python -m tools.readme

publish: $(READY)  ## the same with links to where the project is published: REPO=owner/name
	$(BIN)/python -m tools.colab --repo "$(REPO)"
	$(BIN)/python -m tools.readme

exercises: $(READY)  ## run the solutions again in place, and make the exercises from them
	$(BIN)/python -m tools.exercises

site: $(READY)  ## make the course a web book: open build/site/index.html
	$(BIN)/python -m tools.site

slides: $(READY)  ## make slides of every timetable and lesson: open build/slides/index.html
	$(BIN)/python -m tools.slides

stick: $(READY) site slides  ## all for a class without a network: build/stick; STICK="windows-3.12"
	$(PYTHON) tools/install.py stick
	$(BIN)/python -m tools.stick $(STICK)

paper-test: $(READY)  ## the test before and after a class, and its answers, to print: build/test
	$(BIN)/python -m tools.paper_test

cheat-sheet: $(READY)  ## the course on one page of A4: open build/cheat-sheet.pdf
	@test -n "$(CHROMIUM)" || { echo "no Chromium found: name one with CHROMIUM=…" >&2; exit 2; }
	@mkdir -p $(dir $(SHEET))
	@{ echo '<!doctype html><html lang="en"><meta charset="utf-8"><title>Cheat sheet</title><style>'; \
	cat workshop/cheat-sheet.css; echo '</style><main>'; \
	$(BIN)/python -m mistune -p table -f workshop/cheat-sheet.md; echo '</main></html>'; } > $(SHEET).html
	@"$(CHROMIUM)" --headless --no-sandbox --disable-gpu --no-pdf-header-footer \
	--print-to-pdf=$(SHEET).pdf $(SHEET).html 2> /dev/null
	@echo "Open $(SHEET).pdf"

check: $(VENV)/.lessons  ## check the set-up: one OK or FAIL line each, with its fix
	$(BIN)/python -m nerlib check

sample: $(READY)  ## build the sample corpus again from its sources
	$(BIN)/python -m tools.build_sample

pins: $(READY)  ## write constraints.txt anew: what is installed in .venv
	$(BIN)/python -m tools.install --pins

clean:  ## remove everything that was made, the virtual environment too
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
