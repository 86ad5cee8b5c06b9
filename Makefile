# What can be done here; `make help` lists it. GNU make 3.81 (macOS has no newer one) and a POSIX shell are enough.
#
# Programs are started as `python -m NAME`, never as .venv/bin/NAME: those do not start from a path with a space in it.
# PYTHON=/path/to/python3.12 chooses the Python that .venv is made with.

OMP = OMP_WAIT_POLICY=$${OMP_WAIT_POLICY:-PASSIVE}
ABOUT = import platform, sys; print("%d.%d %s %s" % (sys.version_info[:2] + (platform.system(), platform.machine())))

.DEFAULT_GOAL := help
.PHONY: help run run-all test check lab exercises study costs benchmark readme lint format clean moved

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: .venv/installed  ## run chapter 01 and the comparison (or NOTEBOOKS="name name")
	@.venv/bin/python tools/run_notebooks.py $(NOTEBOOKS)

run-all: .venv/installed  ## run every chapter in reading order
	@.venv/bin/python tools/run_notebooks.py --all

test: .venv/installed  ## the whole test suite
	@$(OMP) .venv/bin/python -m pytest

check: .venv/installed  ## the tests that need no training, in under a minute
	@$(OMP) .venv/bin/python -m pytest -m "not slow"

lab: .venv/installed  ## open the notebooks in JupyterLab
	@.venv/bin/python -m jupyterlab notebooks

exercises: .venv/installed  ## generate notebooks/exercises from notebooks/solutions
	@.venv/bin/python tools/exercises.py

study: .venv/installed  ## the trainings from many seeds (hours; stop it and go on at will)
	@.venv/bin/python tools/study.py

costs: .venv/installed  ## measure what each framework costs: time, memory, disk
	@.venv/bin/python tools/costs.py

benchmark: .venv/installed  ## measure the speed of training on this machine
	@.venv/bin/python tools/benchmark.py

readme: .venv/installed  ## bring the README's results table up to date
	@.venv/bin/python tools/readme.py

lint: .venv/installed  ## check style and layout of the code
	@.venv/bin/python -m ruff check .
	@.venv/bin/python -m ruff format --check .

format: .venv/installed  ## put the code into the layout that lint wants
	@.venv/bin/python -m ruff check --fix .
	@.venv/bin/python -m ruff format .

clean:  ## remove .venv and caches, nothing else
	@rm -rf .venv .pytest_cache .ruff_cache notebooks/*.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A .venv stops working when the Python it was made with is removed or updated: "moved" then makes it anew.
MOVED := $(shell test ! -e .venv/installed || .venv/bin/python -c '' 2>/dev/null || echo moved)

# The file is written last, so that an interrupted installation is not taken for a finished one.
.venv/installed: requirements.txt pyproject.toml $(MOVED)
	@rm -f .venv/installed; \
	python=; why=; seen=; \
	if .venv/bin/python -m pip --version >/dev/null 2>&1; then \
		set -- .venv/bin/python; \
	elif [ -n "$(PYTHON)" ]; then \
		set -- "$(PYTHON)"; \
	else \
		set -- python3 python3.13 python3.12 python3.11 python; \
	fi; \
	for candidate; do \
		about=$$("$$candidate" -c '$(ABOUT)' 2>/dev/null) || continue; \
		version=$${about%% *}; \
		case "$$about" in \
			"3.11 Darwin x86_64" | "3.12 Darwin x86_64" | "3.13 Darwin x86_64") \
				why="TensorFlow and PyTorch have no packages for Intel Macs; on an Apple silicon Mac, use a Python built for arm64."; \
				continue ;; \
			3.11* | 3.12* | 3.13*) ;; \
			*) \
				case " $$seen" in *" $$version,"*) ;; *) seen="$$seen $$version,";; esac; \
				continue ;; \
		esac; \
		if "$$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then python=$$candidate; break; fi; \
		why="Python $$version has no venv module here; on Debian and Ubuntu: sudo apt install python$$version-venv"; \
	done; \
	if [ -z "$$python" ]; then \
		if [ -n "$$why" ]; then echo "$$why"; \
		elif [ "$$1" = .venv/bin/python ]; then echo "Python 3.11, 3.12 or 3.13 is needed, but .venv was made with$${seen%,}: run make clean first."; \
		elif [ -n "$$seen" ]; then echo "Python 3.11, 3.12 or 3.13 is needed, but this is$${seen%,}: install one of them, or name it with PYTHON=/path/to/python."; \
		elif [ -n "$(PYTHON)" ]; then echo "Python 3.11, 3.12 or 3.13 is needed, but there is none that runs at $(PYTHON)"; \
		else echo "Python 3.11, 3.12 or 3.13 is needed, but no Python was found: install one of them, or name it with PYTHON=/path/to/python."; \
		fi >&2; \
		exit 1; \
	fi; \
	if [ "$$python" != .venv/bin/python ]; then \
		echo "Making .venv with Python $$version"; \
		"$$python" -m venv --clear .venv || exit 1; \
	fi; \
	echo "Installing requirements.txt into .venv (the first time this takes some minutes and up to 8 GB)"; \
	{ .venv/bin/python -m pip install --disable-pip-version-check --progress-bar off -r requirements.txt \
		&& touch .venv/installed; } | \
	while read -r line; do case $$line in \
		Downloading*" MB)" | "Using cached"*" MB)") echo "  $$line" ;; \
		"Installing collected"*) echo "  Installing the packages (a minute or two)" ;; \
	esac; done; \
	[ -e .venv/installed ] || { echo "The installation did not finish; the same command goes on with it." >&2; exit 1; }
