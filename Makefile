# Two commands do everything on a fresh machine, each alone: `make demo` and `make test`. They need Python 3.11 or
# newer and make, set up a private .venv, and install nothing outside of it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH := $(VENV)/.bench
TESTED := $(VENV)/.tested
SOURCES := $(shell find tinygrad_edu tests demos docs scripts benchmarks *.py *.toml *.md -type f -not -name '*.pyc')
WORKERS ?= 2

# One thread for each test worker: small matrix products are many times slower on several.
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1

.PHONY: help demo test check format bench clean
.DEFAULT_GOAL := help

help:  ## list these commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(READY)  ## the main job: train on real digits, check every gradient, draw the graphs
	$(BIN)/tinygrad-edu demo

test: $(READY)  ## run the tests
	$(BIN)/python -m pytest -q -n $(WORKERS) --cov --cov-report=
	@touch $(TESTED)

check: $(READY) $(TESTED)  ## formatting, lint, types, tests (demos among them) with branch coverage
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy tinygrad_edu pytest_tinygrad_edu.py
	$(BIN)/coverage report

format: $(READY)  ## rewrite the files in the project's form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(BENCH)  ## time the engine beside its peers: a table of ratios
	$(BIN)/python -m benchmarks

clean:  ## remove what these commands made
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* demo-output

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or newer is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv module is missing. On Debian or Ubuntu: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# The tests with their coverage, unless they have passed since anything was changed.
$(TESTED): $(READY) $(SOURCES)
	$(MAKE) test

$(BENCH): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@
