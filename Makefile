# Set-up and the everyday commands; `make help` lists them.
# Set-up needs Python >= 3.11 and git. It is done again only when pyproject.toml changes.

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=
BENCH_ARGS ?=
BIN = $(VENV)/bin
PYTEST = $(BIN)/python -m pytest -n auto

# The compiled build, unpacked: make what runs with $(COMPILED) depend on $(COMPILED_READY). Neither the sources in the
# current folder nor those of the editable installation then come first, in child processes neither.
COMPILED_READY = build/compiled/.unpacked
COMPILED = PYTHONSAFEPATH=1 PYTHONPATH=$(CURDIR)/build/compiled EXPORTER_EXPECT_COMPILED=1
# Tests whose code is interpreted on either build run once, in `make test`.
COMPILED_TESTS = tests/house/test_compilation.py tests/profile tests/outbox tests/dataflow \
  $(patsubst %,tests/source/%,collection dataprep processing profiles xdm) \
  $(patsubst %,tests/queues/%.py,progress/test_settled journal/test_journal journal/test_journal_commits \
    journal/test_journal_processes journal/test_journal_trouble) \
  $(patsubst %,tests/transport/%,answers test_begin.py test_lean.py test_prepare.py test_transport.py test_transport_misdirected.py \
    test_transport_requests.py test_transport_stale.py test_transport_stall.py) \
  $(patsubst %,tests/acceptance/%.py,install/test_build crashes/test_sigkill faults/test_faults on_brokers/test_redis_daemon) \
  tests/acceptance/operations/test_workers.py::test_workers_share_the_destinations_and_a_killed_one_is_replaced

.DEFAULT_GOAL := help
.PHONY: help demo test test-compiled lint format docs reference bench wheel image sbom manifests clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.installed ## show all of it on this machine, in under two minutes
	$(BIN)/exporter demo

test: $(VENV)/.installed-dev ## the whole test suite, acceptance tests included
	$(PYTEST) $(PYTEST_ARGS)

test-compiled: $(COMPILED_READY) ## the tests of what is compiled, on the compiled build
	$(COMPILED) $(PYTEST) $(COMPILED_TESTS) $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev ## ruff and mypy
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

format: $(VENV)/.installed-dev ## mend what ruff can mend
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

docs: $(VENV)/.installed-dev ## build the site of docs/ into build/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

reference: $(VENV)/.installed-dev ## write the pages of docs/ anew that are made from the code
	$(BIN)/python -m reference

bench: $(COMPILED_READY) ## measure what benchmarks/README.md reports; BENCH_ARGS=--quick for less
	PYTHONSAFEPATH=1 PYTHONPATH=$(CURDIR)/build/compiled:$(CURDIR) $(BIN)/python -m benchmarks $(BENCH_ARGS)

wheel: build/.wheel ## the compiled build for this Python and machine, into dist/ (gcc, python3-dev)

image: ## build the container image, start it and check it (root, buildah, mmdebstrap)
	.ci/image

sbom: $(VENV)/.installed-dev ## the bill of materials of every extra, into dist/ (CycloneDX)
	.ci/sbom

manifests: $(VENV)/.installed-dev ## write config/kubernetes anew from the Helm chart (Go)
	$(BIN)/python tests/container/rendered.py

clean: ## remove the environment and what the tools cached
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "set-up: $(PYTHON) is older than 3.11; name another one: make PYTHON=python3.13 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The package had another name once, which owns the same files: uninstalled later, it would take these away.
WITHOUT_OLD_NAME = if ls -d $(VENV)/lib/python*/site-packages/exporter-*.dist-info > /dev/null 2>&1; then \
  $(BIN)/python -m pip uninstall --quiet --yes exporter; fi

# An editable installation is never compiled, and 0 spares it the compiler's part of the downloads.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@$(WITHOUT_OLD_NAME)
	EXPORTER_COMPILE=0 .ci/download $(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	@$(WITHOUT_OLD_NAME)
	EXPORTER_COMPILE=0 .ci/download $(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.installed

# Its time is that of the beginning, so that what is edited meanwhile is compiled the next time.
build/.wheel: hatch_build.py LICENSE README.md $(shell find exporter -type f -not -path '*/__pycache__/*') $(VENV)/.installed-dev
	@mkdir -p build && touch $@.begun && rm -f dist/*.whl
	EXPORTER_COMPILE=1 $(BIN)/python -m hatchling build --target wheel --directory dist
	@mv $@.begun $@

$(COMPILED_READY): build/.wheel
	@rm -rf $(@D)
	$(BIN)/python -m zipfile --extract dist/*.whl $(@D)
	@touch $@
