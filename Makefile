# directus-realtime: build, demonstrate, test.
#
#   make demo    programs follow a real Directus server
#   make test    every test there is
#   make check   the quick part of them

SHELL := /bin/bash
CARGO ?= cargo
PYTHON ?= python3
CC ?= cc
CXX ?= c++
CFLAGS ?= -O2 -g

LIBRARY := target/release/libdirectus_realtime.so
EXAMPLES := $(patsubst examples/c/%.c,target/examples/%,$(wildcard examples/c/*.c)) \
    $(patsubst examples/cpp/%.cpp,target/examples/cpp/%,$(wildcard examples/cpp/*.cpp))
WARNINGS := -Wall -Wextra -Wpedantic -Werror
TOOLS := target/tools/venv
C_SOURCES := $(wildcard examples/c/*.[ch] tests/c/*.[ch] examples/cpp/*.cpp tests/cpp/*.[ch]pp) \
    include/directus_realtime.hpp

# The packages as they stand here, with the library that was built here.
PACKAGES := DIRECTUS_REALTIME_LIBRARY=$(CURDIR)/$(LIBRARY) PYTHONPATH=$(CURDIR)/bindings/python/src

PYTHON_PACKAGE := bindings/python
PYTHON_TOOLS := $(CURDIR)/target/python/venv
PYRIGHT := PYRIGHT_PYTHON_CACHE_DIR=$(CURDIR)/target/python/pyright PYRIGHT_PYTHON_IGNORE_WARNINGS=1

NODE_PACKAGE := bindings/node
NODE_MODULES := $(NODE_PACKAGE)/node_modules/.complete

.PHONY: lib demo examples node-package test test-node test-python check lint fmt soak soak-faults mutants bench header \
    deps servers clean

# The programs look for the soname, not for the file that they were linked with.
lib:
	$(CARGO) build --release
	@ln -sf libdirectus_realtime.so target/release/libdirectus_realtime.so.0

examples: lib $(EXAMPLES)

target/examples/%: examples/c/%.c examples/c/example.h examples/c/json.h $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) -std=c11 $(WARNINGS) $(CFLAGS) -Iinclude $< \
	    -o $@ -Ltarget/release -ldirectus_realtime -Wl,-rpath,'$$ORIGIN/../release'

target/examples/cpp/%: examples/cpp/%.cpp include/directus_realtime.hpp $(LIBRARY)
	@mkdir -p $(@D)
	$(CXX) -std=c++17 -pthread $(WARNINGS) -Wconversion -Wshadow $(CFLAGS) -Iinclude $< \
	    -o $@ -Ltarget/release -ldirectus_realtime -Wl,-rpath,'$$ORIGIN/../../release'

$(LIBRARY): lib

demo: deps examples node-package
	@$(PYTHON) examples/demo.py

# What tests need and machines may lack, from the system's own packages.
deps:
	@tests/deps.sh

# Real servers, pinned, cached under target/.
servers: deps
	$(PYTHON) tests/directus/install.py

# Formatters and linters, pinned.
$(TOOLS)/complete: tests/tools.txt
	$(PYTHON) -m venv --clear $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check -r tests/tools.txt
	touch $@

lint: $(TOOLS)/complete
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	$(TOOLS)/bin/clang-format --dry-run -Werror $(C_SOURCES)
	$(TOOLS)/bin/ruff format --check .
	$(TOOLS)/bin/ruff check .

fmt: $(TOOLS)/complete
	$(CARGO) fmt
	$(TOOLS)/bin/clang-format -i $(C_SOURCES)
	$(TOOLS)/bin/ruff format .
	$(TOOLS)/bin/ruff check --fix .

check: deps lint
	$(CARGO) test --lib --test header

test: servers lint examples node-package test-node test-python
	$(CARGO) build
	$(CARGO) test -- --test-threads 3
	$(PYTHON) -m unittest discover -s tests/directus
	$(PACKAGES) $(PYTHON) -m unittest discover -s tests/examples

# The Python package, with the library as it is released.
test-python: servers lib $(PYTHON_TOOLS)/complete
	cd $(PYTHON_PACKAGE) && $(PYTHON_TOOLS)/bin/mypy
	cd $(PYTHON_PACKAGE) && $(PYRIGHT) $(PYTHON_TOOLS)/bin/pyright
	cd $(PYTHON_PACKAGE) && $(PACKAGES) PYTHONDEVMODE=1 $(PYTHON_TOOLS)/bin/pytest

$(PYTHON_TOOLS)/complete: $(PYTHON_PACKAGE)/requirements-dev.txt examples/python/requirements.txt
	$(PYTHON) -m venv --clear $(PYTHON_TOOLS)
	$(PYTHON_TOOLS)/bin/pip install --quiet --disable-pip-version-check $(^:%=-r %)
	touch $@

# The Node package, with the library as it is released.
test-node: servers lib $(NODE_MODULES)
	cd $(NODE_PACKAGE) && npm run lint
	cd $(NODE_PACKAGE) && node_modules/.bin/prettier --config .prettierrc.json --check ../../examples/node/*.mjs
	cd $(NODE_PACKAGE) && DIRECTUS_REALTIME_LIBRARY=$(CURDIR)/$(LIBRARY) npm test

# The Node package as the examples find it.
node-package: $(NODE_MODULES)
	cd $(NODE_PACKAGE) && npm run --silent build
	@mkdir -p examples/node/node_modules
	@ln -sfn ../../../$(NODE_PACKAGE) examples/node/node_modules/directus-realtime

$(NODE_MODULES): $(NODE_PACKAGE)/package-lock.json
	cd $(NODE_PACKAGE) && npm ci --ignore-scripts
	touch $@

# The simulation, until it is stopped or fails.
soak:
	DRT_SIM_SCHEDULES=0 $(CARGO) test --test simulation -- --nocapture

# Real servers that are killed thirty times, and an application that is slow for a minute.
soak-faults: servers
	DRT_FAULT_RESTARTS=30 DRT_FAULT_SECONDS=60 DRT_FAULT_COMPARE=1 $(CARGO) test --test faults -- --nocapture

# Deliberate faults in the library: the simulation must notice each.
mutants:
	$(PYTHON) tests/simulation/mutants.py

bench:
	$(CARGO) bench --bench library

header:
	DRT_UPDATE_HEADER=1 $(CARGO) test --test header

clean:
	$(CARGO) clean
