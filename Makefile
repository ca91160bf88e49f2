# Set-up and the everyday commands; `make help` lists them.
# Set-up needs Python >= 3.11 and git. It is done again only when pyproject.toml changes.

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=
BENCH_ARGS ?=
BIN = $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench image clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.installed ## show all of it on this machine, in under two minutes
	$(BIN)/exporter demo

test: $(VENV)/.installed-dev ## the whole test suite, acceptance tests included
	$(BIN)/python -m pytest -n 6 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev ## ruff and mypy
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

format: $(VENV)/.installed-dev ## mend what ruff can mend
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

bench: $(VENV)/.installed-dev ## measure what benchmarks/README.md reports; BENCH_ARGS=--quick for less
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

image: ## build the container image, start it and check it (root, buildah, mmdebstrap)
	.ci/image

clean: ## remove the environment and what the tools cached
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "set-up: $(PYTHON) is older than 3.11; name another one: make PYTHON=python3.13 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	.ci/download $(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	.ci/download $(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.installed
