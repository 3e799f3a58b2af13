# Everything a developer runs.  `make help` lists the targets; each does its own set-up.
PYTHON  ?= python3
BIN     := .venv/bin
ARGS    ?=
PYTEST  := $(BIN)/python -m pytest
SOURCES := mailproc filters tests bench lock man

# Where Python may not keep what it has compiled, each of the hundreds of daemons takes twice as long to start.
unexport PYTHONDONTWRITEBYTECODE

.DELETE_ON_ERROR:
.PHONY: help venv peers demo check check-fast lint types test test-soak bench docs lock clean

help:            ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

venv: .venv/.installed            ## make .venv with mailproc and the tested versions of all it needs

.venv/.installed: lock/requirements.txt lock/venv.sh pyproject.toml
	@PYTHON='$(PYTHON)' sh lock/venv.sh

peers:           ## as root on Debian: install the real servers that the tests talk to
	@sh tests/peers/install.sh

demo: venv       ## the whole loop in a temporary directory; options in ARGS, e.g. ARGS=--once
	@$(BIN)/mailproc demo $(ARGS)

check: lint types test            ## all that must pass before a change lands

check-fast: lint types            ## lint, types, and the tests that are over at once
	@$(PYTEST) -q -n auto -m 'not slow and not property' tests/unit tests/store tests/test_architecture.py tests/test_docs.py

lint: venv       ## form and lint of the code
	@$(BIN)/ruff format --check --quiet $(SOURCES) && $(BIN)/ruff check --quiet $(SOURCES)

types: venv      ## the types, strictly
	@$(BIN)/mypy

test: venv       ## every test but the long ones; installs the peers first where it may
	@sh tests/peers/install.sh || true
	@$(PYTEST) -n 4 --dist worksteal -m 'not soak' $(ARGS)

test-soak: venv  ## the long ones
	@sh tests/peers/install.sh || true
	@$(PYTEST) -m soak $(ARGS)

bench: venv      ## messages per second, from the socket to the ticket
	@$(BIN)/python -m bench.load $(ARGS)

docs: venv       ## write the man pages, check every link and anchor of the manual, say where it begins
	@$(BIN)/python -m man.make
	@$(PYTEST) -q tests/test_docs.py && echo 'The manual begins at docs/README.md.'

lock: venv       ## resolve pyproject.toml anew into lock/requirements.txt (asks the package index)
	@$(BIN)/python lock/relock.py

clean:           ## remove what these targets made
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
