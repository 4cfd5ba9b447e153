# Tieline's commands. Needs Python 3.11 or newer and make; everything else goes into .venv.
.DEFAULT_GOAL := help
.PHONY: help install setup check test tryton crashes bench invoices demo lock wire clean
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

.venv/pyvenv.cfg:
	@for candidate in "$${PYTHON:-}" python3 python3.11 python3.12 python3.13 python3.14 python; do \
	  [ -n "$$candidate" ] || continue; \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    echo "Making .venv with $$("$$candidate" --version)"; \
	    "$$candidate" -m venv .venv || { rm -rf .venv; \
	      echo "Python cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }; \
	    exit 0; \
	  fi; \
	done; \
	echo "Python 3.11 or newer is needed. Install it, or name it: make PYTHON=/path/to/python3.11 ..." >&2; exit 1

# An installed lock file is kept beside what it installed: nothing is installed again until it changes.
setup: .venv/pyvenv.cfg ## Make .venv and install what requirements-dev.lock pins
	@cmp -s requirements-dev.lock .venv/requirements-dev.lock || { \
	  echo "Installing requirements-dev.lock"; \
	  $(PIP) -r requirements-dev.lock; \
	  cp requirements-dev.lock .venv/requirements-dev.lock; cp requirements.lock .venv/requirements.lock; }

install: .venv/pyvenv.cfg ## Make .venv with what running needs (requirements.lock)
	@cmp -s requirements.lock .venv/requirements.lock || { \
	  echo "Installing requirements.lock"; \
	  $(PIP) -r requirements.lock; \
	  cp requirements.lock .venv/requirements.lock; }

check: setup ## Lint, types, import contracts, house rules; under a minute
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/pytest tests/test_structure.py

test: check ## Every check and every test
	$(BIN)/pytest

# `make test` runs a slice of it on SQLite and builds what that needs (about a minute, once). TRYTON_TESTS=skip builds
# nothing and skips what is not built; TRYTON_CACHE names another folder than var/tryton to keep it in.
tryton: setup ## Every test against a real Tryton, PostgreSQL too; the first time builds it in about three minutes
	TRYTON_TESTS=all $(BIN)/pytest tests/tryton tests/connectors/tryton tests/conformance

crashes: setup ## Kill, cut, refuse and race every write; writes docs/evidence/crash-matrix.md in about 15 minutes
	$(BIN)/python -m tests.e2e.crash_matrix $(ARGS)

bench: setup ## Measure speed beside bare vendor calls; ARGS="--quick" takes three minutes
	$(BIN)/python -m bench $(ARGS)
	$(BIN)/python -m bench --page

invoices: setup ## Ten thousand invoices and payments reach the CRM, a worker is killed; writes docs/evidence in 5 minutes
	$(BIN)/python -m tests.e2e.many_invoices

demo: install ## Show the main job on real contracts; CRM=hubspot|both, ERP=tryton|both (a real one), EXIT=1 stops at the end
	$(BIN)/python starter.py demo $(if $(CRM),--crm $(CRM)) $(if $(ERP),--erp $(ERP)) $(if $(EXIT),--exit)

lock: setup ## Pin anew what requirements*.in ask for, with hashes and without naming an index
	@uv=$$(command -v uv || ls $(BIN)/uv 2>/dev/null) || { echo "uv is needed: pipx install uv" >&2; exit 1; }; \
	for name in requirements requirements-dev; do \
	  "$$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-header --no-emit-index-url -o $$name.lock $$name.in; \
	done

wire: setup ## Make code anew from the interface definitions that vendors publish
	$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. --grpc_python_out=. vendor_wire/*/*.proto

clean: ## Remove what was made: .venv, caches and the demo's data
	rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
