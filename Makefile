# `make demo` and `make test` do all the set-up themselves; `make check` is what a change must pass.
# `make test` runs the unit and property tests, in under two minutes; `make test-all` runs every test, and the soak.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= $(shell nproc 2>/dev/null || echo 1)

# More options for pytest; with --require-all a missing program fails the tests that need it.
PYTEST :=

# Minutes, cameras and more: make soak SOAK="--minutes 60"; docs/explanation/soak.md says what is tried.
SOAK :=

.PHONY: demo test test-all fuzz check golden bench accuracy soak format docs docs-site messages lock clean
.DELETE_ON_ERROR:

demo: $(VENV)/installed
	$(BIN)/passerby demo --out demo

test: $(VENV)/installed
	$(BIN)/python -m pytest -n $(JOBS) --unit $(PYTEST)

test-all: $(VENV)/installed
	$(BIN)/python -m pytest -n $(JOBS) $(PYTEST)
	$(BIN)/python -m tools.soak $(SOAK)

# Property tests with other examples each time, twenty times as many: an hour and more.
fuzz: $(VENV)/installed
	$(BIN)/python -m pytest -n $(JOBS) -m hypothesis --hypothesis-profile=fuzz $(PYTEST)

check: $(VENV)/installed
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(MAKE) test-all

# Counts known recordings again and reports every crossing that changed: 4 minutes; needs ../shared.
# GOLDEN="--only street --detector motion" for less; GOLDEN=--write where counting is meant to change.
golden: $(VENV)/installed
	$(BIN)/python -m tools.golden --jobs $(JOBS) $(GOLDEN)

# Some 20 minutes on two quiet cores, 6 with BENCH=--quick; BENCH="--processes" for more: python -m tools.bench --help.
BENCH :=

# Writes the tables of docs/explanation/speed.md. What it is compared with is installed for it alone, beside nothing else.
bench: $(VENV)/installed
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --upgrade --target $(VENV)/compared "supervision>=0.25,<0.28"
	$(BIN)/python -m tools.bench $(BENCH)

# Writes the tables and the picture of docs/explanation/accuracy.md: some 25 minutes on two quiet cores.
accuracy: $(VENV)/installed
	$(BIN)/python -m tools.accuracy $(ACCURACY)

# Ten minutes of cameras that fail; exits with 1 when anything is not as docs/explanation/soak.md expects.
soak: $(VENV)/installed
	$(BIN)/python -m tools.soak $(SOAK)

format: $(VENV)/installed
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# The pages that are made from the program: its commands, and the picture of its import rules.
docs: $(VENV)/installed
	$(BIN)/python tools/document_cli.py > $(VENV)/cli.md
	mv $(VENV)/cli.md docs/reference/cli.md
	$(BIN)/python -m tools.architecture

# The documentation site, in build/docs-site: a dead link or an undocumented public name ends it with an error.
docs-site: docs
	$(BIN)/python -m tools.docs_site

# Adds new messages of the public page to every language's file, and drops those that are gone.
messages: $(VENV)/installed
	$(BIN)/python tools/messages.py

# The only step that needs uv. It names no package index, so that any index can serve it.
lock:
	uv pip compile --no-config --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --custom-compile-command "make lock" --all-extras --group dev --group docs --upgrade --quiet \
	    pyproject.toml --output-file requirements.lock

clean:
	rm -rf $(VENV) demo build dist .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/bin/python:
	tools/make_venv $(PYTHON) $(VENV)

# Every file that is installed is known by its hash; pip skips what is there already.
$(VENV)/locked: requirements.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements.lock
	touch $@

$(VENV)/installed: $(VENV)/locked pyproject.toml
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	touch $@
