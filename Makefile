# `make` lists the commands. Needed first: Python 3.10 or newer (with its headers and venv), a C++20
# compiler, make. CMake and Ninja come from PyPI into .venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV ?= .venv
BUILD ?= build/dev
CMAKE_ARGS ?=
PYTEST_ARGS ?=

# Another checkout's settings must not decide which package is tested.
unexport PYTHONPATH
export PIP_DISABLE_PIP_VERSION_CHECK := 1

py := $(VENV)/bin/python
pip := $(py) -m pip install --quiet --quiet
requirements := scripts/requirements.py
cpp_files = $$(git ls-files 'core/*.h' 'core/*.cpp' 'core/*.in' 'tests/*.cpp')

.PHONY: help setup build demo test test-fast test-web screenshots test-sanitize test-threads lint format types bench conformance docs \
  generate wheel clean

help:  ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: build $(VENV)/.test $(VENV)/.explain $(VENV)/.lint $(VENV)/.oracle  ## Virtual environment, build, everything for tests and lint

# --- the environment: one stamp per group of packages ---
$(VENV)/.venv:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("backlit needs Python 3.10 or newer, $(PYTHON) is %d.%d: make PYTHON=/path/to/python" % sys.version_info[:2])'
	@$(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed (on Debian and Ubuntu: apt install python3-venv python3-dev)" >&2; exit 1; }
	@touch $@

$(VENV)/.build: $(VENV)/.venv pyproject.toml $(requirements) scripts/link_venv.py
	@echo "installing build and run-time requirements into $(VENV)"
	@$(pip) -r <($(py) $(requirements) build runtime)
	@$(py) scripts/link_venv.py
	@touch $@

$(VENV)/.examples $(VENV)/.explain $(VENV)/.test $(VENV)/.web $(VENV)/.lint: $(VENV)/.%: $(VENV)/.build
	@echo "installing requirements: $*"
	@$(pip) -r <($(py) $(requirements) $*)
	@touch $@

# PyTorch is the tests' oracle where it can be installed; tests that need it skip elsewhere.
$(VENV)/.oracle: $(VENV)/.build
	@echo "installing the oracle: $$($(py) $(requirements) oracle)"
	@$(pip) -r <($(py) $(requirements) oracle) || echo "PyTorch could not be installed: tests against it will be skipped"
	@touch $@

# --- the build ---
build: $(VENV)/.build  ## Build the extension into src/backlit; only what changed is compiled
	@mkdir -p $(dir $(BUILD))
	@PATH="$$PWD/$(VENV)/bin:$$PATH" cmake -S . -B $(BUILD) -G Ninja -DBACKLIT_IN_PLACE=ON \
	  -DPython_EXECUTABLE="$$PWD/$(py)" $(CMAKE_ARGS) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@PATH="$$PWD/$(VENV)/bin:$$PATH" ninja -C $(BUILD)

demo: build $(VENV)/.examples  ## The five tutorials, then handwritten digits
	@$(py) examples/demo.py

# --- checks ---
test: build $(VENV)/.test $(VENV)/.examples $(VENV)/.explain $(VENV)/.oracle  ## Run all tests (PYTEST_ARGS="-k name" for some)
	@OMP_NUM_THREADS=2 $(py) -m pytest $(PYTEST_ARGS)

test-web: build $(VENV)/.test $(VENV)/.explain $(VENV)/.web  ## The page of an explanation in headless Chromium; notebooks
	@for program in chromium chromedriver; do command -v $$program >/dev/null || { \
	  echo "make test-web needs $$program (on Debian: apt install chromium chromium-driver)" >&2; exit 1; }; done
	@$(py) -m pytest tests/web $(PYTEST_ARGS)

screenshots: build $(VENV)/.explain $(VENV)/.web  ## The pictures of the README: docs/explain-*.png
	@$(py) scripts/make_screenshots.py

test-sanitize: $(VENV)/.test $(VENV)/.oracle test-threads  ## Core tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@VENV="$(VENV)" scripts/sanitize.sh $(PYTEST_ARGS)

test-threads: $(VENV)/.build  ## The thread pool under ThreadSanitizer
	@mkdir -p build
	@$(CXX) -std=c++20 -O1 -g1 -fsanitize=thread -pthread -Icore tests/sanitize/threads.cpp \
	  core/base/threads.cpp -o build/threads_tsan
	@if setarch -R true 2>/dev/null; then setarch -R build/threads_tsan; else build/threads_tsan; fi

lint: build $(VENV)/.lint  ## Format, style and types, of Python and C++
	@$(py) -m ruff check .
	@$(py) -m ruff format --check .
	@$(VENV)/bin/clang-format --dry-run -Werror $(cpp_files)
	@$(py) -m mypy

types: $(VENV)/.lint  ## mypy alone
	@$(py) -m mypy

format: $(VENV)/.lint  ## Rewrite all files in the project's format
	@$(py) -m ruff check --fix-only --quiet . && $(py) -m ruff format --quiet .
	@$(VENV)/bin/clang-format -i $(cpp_files)

# --- what is generated ---
generate: build  ## Rewrite the type stub and docs/operations.md from the registry
	@$(py) scripts/make_stub.py
	@$(py) scripts/make_docs.py

docs: generate  ## The same

bench: build $(VENV)/.examples $(VENV)/.oracle  ## PyTorch beside backlit; writes docs/benchmarks.md
	@$(py) -m benchmarks $(BENCH_ARGS)

conformance: build $(VENV)/.oracle  ## PyTorch's database of operations on both; writes docs/conformance.md
	@$(py) -m conformance $(NAMES)

wheel: $(VENV)/.build  ## A wheel in dist/
	@$(py) -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:  ## Remove all that was built, and the environment
	rm -rf build dist $(VENV) src/backlit/_C*.so .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
