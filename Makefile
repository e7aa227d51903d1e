# From a fresh clone each target does the set-up that it needs; a second time the set-up only looks.
# Works with the GNU make 3.81 of macOS.

.DEFAULT_GOAL := help
.PHONY: help setup verify test matrix mutants soak lint bench clean

PYTHONS := $(or $(PYTHON),python3.13 python3.12 python3.11 python3)
BIN := .venv/bin
STAMP := .venv/installed
PYTEST := $(if $(BUSY),$(BIN)/python -m bench.busy )$(BIN)/python -m pytest -q -W error -n auto --maxprocesses 4 --dist loadgroup

# $(call rounds,N,COMMAND): N times over, until it fails
rounds = for round in $$(seq $(1)); do echo "round $$round of $(1)"; $(2) || exit 1; done

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile
	@echo "Variables: ARGS='...' more arguments, for pytest, verify or bench; ROUNDS=N how often matrix and soak run;"
	@echo "  BUSY=1 tests run while every processor is kept busy;"
	@echo "  PBI_BROWSER=PATH the browser; PYTHON=PATH"

setup: $(STAMP) ## everything that the other targets need: Python and npm packages, a browser
	@$(BIN)/pbi-harness setup

verify: setup ## test the built-in host pages against the refresh contract
	$(BIN)/pbi-harness verify $(ARGS)

test: setup lint ## the project's own tests
	$(PYTEST) $(ARGS)

matrix: setup ## every page against every rule, and pages easily misjudged (the tests take one broken page for each rule)
	$(call rounds,$(or $(ROUNDS),1),$(PYTEST) -m 'matrix or not matrix' $(ARGS) tests/test_broken_pages.py tests/test_verdicts.py)

mutants: setup ## good pages with one mistake each: is it caught?
	$(PYTEST) -m 'mutants or not mutants' $(ARGS) tests/test_mutants.py

soak: setup ## the tests twenty times over, each time in another order
	$(call rounds,$(or $(ROUNDS),20),$(PYTEST) $(ARGS))

lint: $(STAMP) ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: setup ## how fast it is
	$(BIN)/python -m bench $(ARGS)

clean: ## remove what the other targets made
	rm -rf .venv node_modules test-results build dist .import_linter_cache .mypy_cache .ruff_cache .pytest_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A virtual environment cannot be moved, nor outlive its Python: then it is made anew.
ifneq ($(shell test -x $(BIN)/python && cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

$(STAMP): pyproject.toml
	@python=; for candidate in $(PYTHONS); do \
	  "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && python=$$candidate && break; \
	done; \
	fail() { echo "$$1" >&2; exit 1; }; \
	can_venv() { "$$python" -c 'import ensurepip, venv' 2>/dev/null; }; \
	test -n "$$python" || fail "No Python 3.11 or newer among: $(PYTHONS). Install one, or name it: make PYTHON=/path/to/python3."; \
	if ! can_venv && command -v apt-get >/dev/null && test "$$(id -u)" = 0; then \
	  echo "Python's venv is missing, so apt-get install python3-venv"; \
	  (timeout 300 apt-get update -qq && DEBIAN_FRONTEND=noninteractive timeout 600 apt-get install -qq python3-venv) >/dev/null || true; \
	fi; \
	can_venv || fail "$$python has no venv: run 'apt-get install python3-venv' as root (Debian, Ubuntu), or name another: make PYTHON=/path/to/python3."; \
	echo "Python packages: pip install into .venv with $$python (a minute or two)"; \
	"$$python" -m venv --clear .venv || fail "$$python could not make .venv (its reason is above)."; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' || \
	  fail "pip could not install the project (its reason is above): check the network and pip's proxy settings, then try again."
	@echo '$(CURDIR)' > $(STAMP)
