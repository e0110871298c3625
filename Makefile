# Every command of the project. `make` alone lists them.
# Paths are relative throughout: the folder's own name may hold spaces.

PORT ?= 8000
RESET ?=
PYTHON ?=
BIN := .venv/bin/python
export PYTHON

# Where the home folder is missing or read-only, caches live with the project's data.
ifneq ($(shell test -d "$$HOME" && test -w "$$HOME" && echo yes),yes)
CACHE := $(CURDIR)/.data/cache
export XDG_CACHE_HOME := $(CACHE)
export PIP_CACHE_DIR := $(CACHE)/pip
export UV_CACHE_DIR := $(CACHE)/uv
export npm_config_cache := $(CACHE)/npm
endif

.DEFAULT_GOAL := help
.PHONY: help setup demo test check test-default test-real test-postgres format messages

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## Install what is missing or out of date (quick when nothing changed)
	@sh deploy/setup.sh

demo: setup ## Run the whole product here (PORT=8000; RESET=1 begins anew)
	@exec $(BIN) -m marketplace.site.demo --port "$(PORT)" $(if $(filter-out 0,$(RESET)),--reset)

test: setup ## Run every check and every test
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory test-default
	@$(MAKE) --no-print-directory test-real
	@$(MAKE) --no-print-directory test-postgres

check: setup ## Formatting, lint, types, import contracts, templates, migrations
	$(BIN) -m ruff format --check .
	$(BIN) -m ruff check .
	$(BIN) -m mypy .
	$(BIN) -c 'from importlinter.cli import lint_imports_command as run; run()'
	$(BIN) -m djlint --lint --quiet templates
	DEBUG=1 HTTPS=0 $(BIN) manage.py makemigrations --check --dry-run
	HTTPS=0 $(BIN) manage.py check --fail-level WARNING

test-default: setup ## The suite on SQLite, the embedded default
	$(BIN) -m pytest -n 2 -m "not browser and not processes"

test-real: setup ## Real browser and real processes, on the embedded default
	@$(BIN) -m tests.site.found browser
	$(BIN) -m pytest -p tests.site.strict -m "browser or processes"

test-postgres: setup ## The suite on PostgreSQL: TEST_DATABASE_URL, or 127.0.0.1:5432
	@if url="$$($(BIN) -m tests.site.found postgres)"; then \
	  echo "PostgreSQL: the suite again"; \
	  DATABASE_URL="$$url" $(BIN) -m pytest -n 2 -m "not browser and not processes"; \
	else \
	  echo "NOT RUN: the PostgreSQL pass (set TEST_DATABASE_URL, or run a server at 127.0.0.1:5432)"; \
	  test -z "$$TESSERA_NO_SKIPS"; \
	fi

messages: setup ## Bring the catalogues up to date with the code (needs gettext)
	$(BIN) manage.py makemessages --all --no-location --no-obsolete --ignore node_modules --ignore tests --ignore benchmarks

format: setup ## Rewrite the code in the one format
	$(BIN) -m ruff format .
	$(BIN) -m ruff check --fix .
