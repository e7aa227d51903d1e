# Each target first installs what it needs and is not installed yet, so that it works in a fresh clone.
# GNU make 3.81, the version of macOS, is enough.

.DEFAULT_GOAL := help
.PHONY: help setup verify unit test matrix rejudge mutants soak lint docs bench clean

PYTHONS := $(or $(PYTHON),python3.13 python3.12 python3.11 python3)
BIN := .venv/bin
STAMP := .venv/installed
# Where the system has no Node.js that works, setup installs one into .venv.
NODE := PATH="$(CURDIR)/$(BIN):$$PATH"
PYTEST := $(if $(BUSY),$(BIN)/python -m bench.busy )$(BIN)/python -m pytest -q -W error -n auto --maxprocesses 4 --dist loadgroup

PROSE := README.md CONTRIBUTING.md CHANGELOG.md Makefile pyproject.toml conftest.py bench docs fake_pbi fixtures harness tests

# $(call rounds,N,COMMAND): run COMMAND N times, and stop at the first failure
rounds = for round in $$(seq $(1)); do echo "round $$round of $(1)"; $(2) || exit 1; done

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile
	@echo "Variables:"
	@echo "  ARGS='...'        more arguments for pytest, verify or bench"
	@echo "  BUSY=1            keep every processor busy while the tests run"
	@echo "  PBI_BROWSER=PATH  the browser to use"
	@echo "  PYTHON=PATH       the Python to make .venv with"
	@echo "  ROUNDS=N          the number of rounds of matrix and soak"

setup: $(STAMP) ## install what the other targets need: Python packages, npm packages, a browser
	@$(BIN)/pbi-harness setup

verify: setup ## judge the built-in pages by the refresh contract
	$(BIN)/pbi-harness verify $(ARGS)

# Several processes would be no faster than one, because each of them collects all tests first. These tests need no npm
# packages. A test that starts a browser without the marker fails here, because the program false is none.
unit: $(STAMP) ## run the tests that start no browser, in seconds
	PBI_BROWSER=/usr/bin/false $(PYTEST) -n 0 -m 'not browser and not rejudge' $(ARGS)

test: setup lint ## run lint and the project's own tests
	$(PYTEST) $(ARGS)

matrix: setup ## judge every page by every rule, and pages that are easily misjudged (test runs one broken page per rule)
	$(call rounds,$(or $(ROUNDS),1),$(PYTEST) -m 'not rejudge' $(ARGS) tests/contract/test_broken_pages.py tests/contract/test_verdicts.py tests/contract/test_fragments.py)

rejudge: setup ## judge the recordings of the last matrix again, in seconds, for work on a rule
	$(PYTEST) -m rejudge $(ARGS) tests/contract/test_broken_pages.py

mutants: setup ## check that the rules catch a single mistake in a good page
	$(PYTEST) -m 'mutants or not mutants' $(ARGS) tests/contract/test_mutants.py

soak: setup ## run the tests twenty times, in a different order each time
	$(call rounds,$(or $(ROUNDS),20),$(PYTEST) -m 'not matrix and not mutants and not rejudge' $(ARGS))

lint: setup ## check style, types, spelling and the imports between packages, in Python and JavaScript
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell $(PROSE)
	$(NODE) node_modules/.bin/eslint eslint.config.js harness fake_pbi
	$(NODE) node_modules/.bin/tsc
	$(NODE) node_modules/.bin/tsc --project fake_pbi/embed_app

docs: setup ## write the parts of docs/ that are made from the code
	$(BIN)/python tests/generated_docs.py

bench: setup ## measure how fast the harness is
	$(BIN)/python -m bench $(ARGS)

clean: ## remove everything that the other targets made
	rm -rf .venv node_modules .recordings test-results build dist .import_linter_cache .mypy_cache .ruff_cache .pytest_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A virtual environment stops working when it is moved or its Python is removed. Then it is made again.
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
	  echo "Python's module venv is missing, so apt-get install python3-venv"; \
	  (timeout 300 apt-get update -qq && DEBIAN_FRONTEND=noninteractive timeout 600 apt-get install -qq python3-venv) >/dev/null || true; \
	fi; \
	can_venv || fail "$$python has no module venv. Run 'apt-get install python3-venv' as root (Debian, Ubuntu), or name another Python: make PYTHON=/path/to/python3."; \
	echo "Python packages: pip install into .venv with $$python (takes a minute or two)"; \
	"$$python" -m venv --clear .venv || fail "$$python could not make .venv. Its message is above."; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' || \
	  fail "pip could not install the project. Its message is above. Check the network and pip's proxy settings, then try again."
	@echo '$(CURDIR)' > $(STAMP)
