# Everything sets itself up: a virtual environment, the package, and the Debian packages the tests look for.
#   make demo    record a real shop, replay it against two builds, leave demo-report.html
#   make test    lint, types, floors, the whole suite
#   make fast    the tier to run while working (a minute of one core, shared by as many as there are)
#   make bench   the ratios of docs/figures.md

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# The tests start hundreds of processes: none shall compile everything anew because a shell forbids to keep bytecode.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test fast lint bench docs pictures clean system

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Retape needs Python 3.11 or newer; this is " + sys.version.split()[0] + " (set PYTHON=...)") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(STAMP)

system:
	@sh tests/system_packages.sh

demo: $(STAMP)
	$(BIN)/python examples/demo.py

# What its tests write goes into memory where that can be: a core that waits for the disk does nothing.
fast: $(STAMP)
	test ! -w /dev/shm || export TMPDIR=/dev/shm; \
	$(BIN)/python -m pytest -q -n auto --dist worksteal --hypothesis-profile fast -m 'not slow and not end_to_end'

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(STAMP) system lint
	$(BIN)/python -m tests.end_to_end.software
	$(BIN)/python -m pytest -q -n auto

bench: $(STAMP) system
	$(BIN)/python -m benchmarks

docs: $(STAMP)
	$(BIN)/python -m tests.regenerate

pictures: $(STAMP) system
	$(BIN)/python -m tests.pictures

clean:
	rm -rf $(VENV) .retape .demo build dist demo-report.html
