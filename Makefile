# Snug's set-up, tests and checks. ARGS goes on to the program: make test ARGS="tests/vault -k key"

BIN := .venv/bin
STAMP := .venv/.snug-stamp
DEV_STAMP := .venv/.snug-stamp-dev
PYTHON_FOUND = python=$$(sh packaging/find-python.sh) && "$$python"
SETUP = $(PYTHON_FOUND) packaging/setup_env.py

# What set-up depends on; packaging/snug_setup/stamp.py lists the same.
SETUP_FILES := pyproject.toml $(wildcard packaging/*.py packaging/snug_setup/*.py \
    packaging/*.txt packaging/locks/*.txt packaging/vulkan/*.h)

# Set up again where .venv was left half changed, belongs to another place, or lost its Python.
ifeq ($(findstring "root": "$(CURDIR)",$(file <$(STAMP))),)
STALE := again
else ifneq ($(wildcard .venv/.snug-changing),)
STALE := again
else ifeq ($(realpath $(BIN)/python),)
STALE := again
endif

.PHONY: help run test check bench soak lock gpu clean again

help:
	@echo "make run     set up and open Snug (in the terminal where there is no display)"
	@echo "make test    set up and run every test but the soak tests"
	@echo "make check   formatting, lint, types, layers"
	@echo "make bench   measure speed and responsiveness"
	@echo "make soak    the tests that take minutes"
	@echo "make gpu     build llama.cpp's Vulkan plug-in and add it"
	@echo "make lock    pin the dependencies anew"
	@echo "make clean   remove .venv and what tools left; built wheels stay in the cache"

$(STAMP): $(SETUP_FILES) $(STALE)
	@$(SETUP)

$(DEV_STAMP): $(STAMP)
	@$(SETUP) --dev

run: $(STAMP)
	@sh packaging/run.sh $(ARGS)

test: $(DEV_STAMP)
	@sh packaging/test.sh $(ARGS)

soak: $(DEV_STAMP)
	@QT_QPA_PLATFORM=$${QT_QPA_PLATFORM:-offscreen} $(BIN)/pytest -m soak $(ARGS)

check: $(DEV_STAMP)
	@status=0; for step in "ruff format --check ." "ruff check ." mypy lint-imports; do \
	    echo "== $$step"; $(BIN)/$$step || status=1; done; exit $$status

bench: $(STAMP)
	@QT_QPA_PLATFORM=$${QT_QPA_PLATFORM:-offscreen} $(BIN)/snug bench $(ARGS)

gpu: $(STAMP)
	@$(SETUP) --gpu

lock:
	@$(PYTHON_FOUND) packaging/update_locks.py

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
