# Every target works on a machine that has Python 3.11+ and make; the Kafka and veraPDF tests also need Java 17 and Maven.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help demo test check bench kafka verapdf lock clean

help: ## Show the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "the transcript ledger needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: $(STAMP) ## Tell the whole story on the embedded default (SQLite log, own PostgreSQL)
	LEDGER_HOME=$(CURDIR)/.demo $(BIN)/ledger demo

test: check kafka verapdf ## Run everything: linters, types, layers, and all tests, real PostgreSQL and Kafka included
	$(BIN)/python -m pytest

check: $(STAMP) ## Linters, types and layers only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) kafka ## Measure against named peers, in one run
	$(BIN)/python -m benchmarks

kafka: $(STAMP) ## Fetch Apache Kafka's jars by Maven into the cache (once)
	$(BIN)/python -m services.embedded.kafka fetch

verapdf: $(STAMP) ## Fetch veraPDF's jars by Maven into the cache (once)
	$(BIN)/python -m services.embedded.verapdf fetch

lock: ## Resolve requirements.lock again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra dev --no-annotate \
	  --no-header --no-emit-index-url --no-emit-find-links -o requirements.lock pyproject.toml

clean: ## Remove what the other targets made here
	rm -rf $(VENV) .demo .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
