# What can be done here; `make help` lists it. GNU make 3.81 (macOS has no newer one) and a POSIX shell are enough.
#
# Programs are started as `python -m NAME`, never as .venv/bin/NAME: those do not start from a path with a space in it.

# The Python that .venv is made with: the first of these that fits, or the one that PYTHON=/path/to/python3.12 names.
FITS = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	$$python -c '$(FITS)' 2>/dev/null && echo $$python && exit; done; echo python3)

# What a learner needs is installed; developers and teachers need more.
LEARNER = .venv/installed
ALL = .venv/installed-all

.DEFAULT_GOAL := help
.PHONY: help try try-all run run-all stale run-stale test check lab exercises readme lock about
.PHONY: study regularization mistakes experiments ablation long-run costs benchmark lint format clean broken

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

try: $(LEARNER)  ## try chapter 01 and the comparison on few images, in about three minutes
	@.venv/bin/python -m tools.try_out

try-all: $(LEARNER)  ## try every chapter on few images, in about four minutes
	@.venv/bin/python -m tools.try_out --all

run: $(LEARNER)  ## run chapter 01 and draw the figure of all models (or NOTEBOOKS="name name")
	@.venv/bin/python -m tools.run_notebooks $(NOTEBOOKS)

run-all: $(LEARNER)  ## run every chapter in reading order
	@.venv/bin/python -m tools.run_notebooks --all

stale: $(LEARNER)  ## list the notebooks that no longer agree with their run, and why
	@.venv/bin/python -m tools.stale

run-stale: $(LEARNER)  ## run the notebooks that `make stale` lists
	@.venv/bin/python -m tools.run_notebooks --stale

test: $(ALL)  ## the whole test suite
	@.venv/bin/python -m pytest -n 2 --dist loadgroup

check: $(ALL)  ## the tests that need no framework, in under a minute
	@.venv/bin/python -m pytest -n 2 --dist loadgroup -m "not slow"

lab: $(LEARNER)  ## open the notebooks in JupyterLab
	@.venv/bin/python -m jupyterlab --FileContentsManager.preferred_dir=notebooks

exercises: $(ALL)  ## generate notebooks/exercises from notebooks/solutions
	@.venv/bin/python -m tools.exercises

study: $(LEARNER)  ## the training runs from many seeds (hours; stop it and go on at will)
	@.venv/bin/python -m tools.measure.study

regularization: $(LEARNER)  ## what each method of chapter 02 brings (two hours; stop it and go on at will)
	@.venv/bin/python -m tools.measure.regularization

mistakes: $(LEARNER)  ## the further networks of chapter 04 (two hours; stop it and go on at will)
	@.venv/bin/python -m tools.measure.mistakes

experiments: $(LEARNER)  ## the training runs and searches of chapter 05 (hours; stop it and go on at will)
	@.venv/bin/python -m tools.measure.experiments

ablation: $(LEARNER)  ## what each part of chapter 06's recipe is worth (hours; stop it and go on at will)
	@.venv/bin/python -m tools.measure.ablation

long-run: $(LEARNER)  ## train chapter 06's network for 32 epochs in each framework (stop it and go on at will)
	@.venv/bin/python -m tools.measure.long_run

costs: $(LEARNER)  ## measure what each framework costs: time, memory, disk
	@.venv/bin/python -m tools.measure.costs

benchmark: $(LEARNER)  ## measure the speed of training on this machine (about an hour)
	@.venv/bin/python -m tools.measure.benchmark

readme: $(LEARNER)  ## bring the tables of README and docs, and the figure of all models, up to date
	@.venv/bin/python -m tools.readme

lock: $(ALL)  ## write constraints.txt anew after a change of the requirements
	@.venv/bin/python -m tools.lock

about: $(LEARNER)  ## describe this machine and installation, for an issue
	@.venv/bin/python -m tools.about

lint: $(ALL)  ## check style and layout of the code
	@.venv/bin/python -m ruff check .
	@.venv/bin/python -m ruff format --check .

format: $(ALL)  ## put the code into the layout that lint wants
	@.venv/bin/python -m ruff check --fix .
	@.venv/bin/python -m ruff format .

clean:  ## remove .venv and caches, nothing else
	@rm -rf .venv .pytest_cache .ruff_cache notebooks/*.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The installation is "broken" when the Python it was made with was removed, or does not find the package.
BROKEN := $(shell test ! -e $(LEARNER) || .venv/bin/python -c 'import fmnist' 2>/dev/null || echo broken)
LISTS = requirements.txt requirements-teach.txt requirements-dev.txt constraints.txt pyproject.toml

# Each file is written last, so that an interrupted installation is not taken for a finished one.
$(LEARNER): $(LISTS) $(BROKEN)
	@"$(PYTHON)" -m tools.install
	@touch $(LEARNER)

$(ALL): $(LISTS) $(BROKEN)
	@"$(PYTHON)" -m tools.install teach dev
	@touch $(LEARNER) $(ALL)
