# Two commands matter: `make demo` and `make test`. Each does all of its own set-up, in .venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: help demo lab test test-pythons sweep lint bench bench-quick model wheel dist clean

PYTHON ?= python3
PYTHONS ?= 3.11 3.12 3.13
BIN := .venv/bin
export PATH := $(CURDIR)/.venv/bin:$(PATH)
FRONT := $(shell find labextension/src labextension/style labextension/schema -type f 2>/dev/null) \
         $(wildcard labextension/*.json labextension/*.mjs labextension/*.js)

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

demo: .venv/.ready .venv/.model ## run the quickstart on the embedded model, print its history, draw its page
	@$(BIN)/python notebooks/demo.py

lab: .venv/.ready .venv/.model ## open JupyterLab on the tutorial
	$(BIN)/jupyter lab notebooks/quickstart.ipynb

test: .venv/.ready .venv/.model .venv/.browser .venv/.team/.ready ## the whole test suite, browser included
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

test-pythons: ## what depends on the Python, on each Python promised that is here, and on the lowest versions of packages
	.ci/pythons $(PYTHONS) lowest

sweep: .venv/.ready .venv/.browser ## every honest answer at every level of isolation
	JUPYTER_LOOPS_SWEEP=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --junitxml=.sweep.xml tests/verification/test_honest.py
	$(BIN)/python tests/benchmarks/corpora.py here=.sweep.xml

lint: .venv/.ready ## style, types, layers, front-end types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	npm --prefix labextension run --silent lint

bench: .venv/.ready .venv/.model .bench/.langgraph ## the benchmark tables, ours beside our peers
	$(BIN)/python tests/benchmarks/run.py

bench-quick: .venv/.ready .venv/.model .bench/.langgraph ## the same with few repetitions, to see that all of them work
	$(BIN)/python tests/benchmarks/run.py --quick

model: .venv/.model ## fetch the embedded models: the default, and a smaller one for tests

wheel: .venv/.ready ## build the wheel that needs no Node
	$(BIN)/python -m build --wheel --no-isolation

dist: .venv/.ready ## build wheel and sdist, and check them as an index would
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/python -m twine check --strict dist/*

clean: ## forget everything that was set up or built
	rm -rf .venv .venv-* .demo .bench dist labextension/node_modules labextension/lib jupyter_loops/labextension jupyter_loops/view/static

# ---- set-up, each step once

.venv/.python: .ci/requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .ci/requirements.txt
	touch $@

.venv/.node: .ci/node.txt | .venv/.python
	{ node --version && npm --version; } >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .ci/node.txt
	touch $@

# Not `npm ci`: it insists on the optional binaries of every other platform, which a mirror may not have.
.venv/.front: $(FRONT) .venv/.node .venv/.python
	npm --prefix labextension install --no-save --no-audit --no-fund --loglevel=error
	npm --prefix labextension run --silent build:prod
	touch $@

.venv/.ready: pyproject.toml .venv/.front
	SKIP_JUPYTER_BUILDER=1 $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

.venv/.model: | .venv/.ready
	$(BIN)/python -m jupyter_loops.planning.models.embedded.fetch local local:smol
	touch $@

# A second DuckDB, whose extensions are Python packages, on top of everything else that .venv has; and a PostgreSQL for
# the catalogue of a lake, where we may install one.
.venv/.team/.ready: .ci/team.txt | .venv/.ready
	if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null; fi
	$(BIN)/python -m venv .venv/.team
	if [ "$$(uname -sm)" = "Linux x86_64" ]; then \
	  .venv/.team/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .ci/team.txt; fi
	$(BIN)/python -c "import sysconfig as s; below, above = s.get_path('purelib'), s.get_path('purelib', vars={'base': '.venv/.team'}); \
	  open(above + '/below.pth', 'w').write(f'import site; site.addsitedir({below!r})')"
	touch $@

.bench/.langgraph: .ci/bench.txt
	test -x .bench/langgraph/bin/python || $(PYTHON) -m venv .bench/langgraph
	.bench/langgraph/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .ci/bench.txt
	touch $@

# Debian's Chromium and bubblewrap where we may install them; elsewhere Playwright's own browser.
.venv/.browser: | .venv/.ready
	if ! command -v chromium >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium bubblewrap >/dev/null; \
	  else $(BIN)/playwright install chromium; fi; fi
	touch $@
