# make demo    the quickstart, on the embedded tenant
# make test    the whole suite
# make check   lint, format, types
# make load    very many calls over a bad line, and an account of each; some minutes
# make bench   what it costs, as ratios
# make redis   the server that some of the tests start, from Debian's packages; needs root
# make generate   the Management API and the list of its operations, from the catalogue

VENV ?= .venv
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := $(VENV)/bin

.PHONY: demo test check generate bench load redis clean

demo: $(VENV)/.demo
	$(BIN)/python examples/quickstart.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist worksteal

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright

generate: $(VENV)/.dev
	$(BIN)/python core/codegen/generate.py
	$(BIN)/python core/codegen/reference.py

bench: $(VENV)/.dev
	$(BIN)/python tests/benchmarks/import_time.py

load: $(VENV)/.dev
	$(BIN)/python tests/load/soak.py

redis:
	command -v redis-server >/dev/null || { apt-get update && apt-get install --yes --no-install-recommends redis-server; }

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "anyauth0 needs Python 3.11 or newer; say which by PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[local]' 'rich>=13'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.demo
