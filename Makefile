# directus-realtime: build, demonstrate, test.
#
#   make demo    programs follow a real Directus server
#   make play    a real server to try programs with, until Ctrl-C
#   make test    every test there is
#   make check   the quick part of them

SHELL := /bin/bash
CARGO ?= cargo
PYTHON ?= python3
CC ?= cc
CXX ?= c++
CFLAGS ?= -O2 -g

# Where cargo builds: CARGO_TARGET_DIR, or the target-dir of its configuration, or target.
BUILD := $(shell $(CARGO) metadata --no-deps --offline --format-version 1 2>/dev/null | \
    sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
BUILD := $(abspath $(or $(BUILD),target))
LIBRARY := $(BUILD)/release/libdirectus_realtime.so
# Not in the place of the archive that cargo builds: cargo would restore that.
STATIC_LIBRARY := $(BUILD)/release/static/libdirectus_realtime.a
EXAMPLES := $(patsubst examples/c/%.c,$(BUILD)/examples/%,$(wildcard examples/c/*.c)) \
    $(patsubst examples/cpp/%.cpp,$(BUILD)/examples/cpp/%,$(wildcard examples/cpp/*.cpp))
WARNINGS := -Wall -Wextra -Wpedantic -Werror
TOOLS := target/tools/venv
C_SOURCES := $(wildcard examples/c/*.[ch] examples/cpp/*.cpp $(addprefix tests/,abi/*.c c/*.[ch] \
    careless/*.[ch] cpp/*.[ch]pp cpp/units/*.[ch]pp databases/*.c docs/*.c docs/wrappers/*.c faults/*.c \
    install/*/*.c install/*/*.cpp instructions/*.c packaging/*/*.c)) include/directus_realtime.hpp

# The server that the tests of all languages script.
SCRIPTED_SERVER := DRT_SCRIPTED_SERVER=$(BUILD)/debug/examples/scripted_server

# The packages as they stand here, with the library that was built here.
PACKAGES := DIRECTUS_REALTIME_LIBRARY=$(LIBRARY) PYTHONPATH=$(CURDIR)/bindings/python/src \
    $(SCRIPTED_SERVER)

PYTHON_PACKAGE := bindings/python
PYTHON_TOOLS := $(CURDIR)/target/python/venv
PYRIGHT := PYRIGHT_PYTHON_CACHE_DIR=$(CURDIR)/target/python/pyright PYRIGHT_PYTHON_IGNORE_WARNINGS=1

NODE_PACKAGE := bindings/node
NODE_MODULES := $(NODE_PACKAGE)/node_modules/.complete
# The other runtimes of the Node package: tests look for them here. Where one cannot be had, its tests
# are skipped, and say so.
RUNTIMES := target/runtimes/.complete
RUNTIME_PACKAGES := bun@1.4.5 deno@2.9.6
BENCH_PEERS := target/bench/.complete
FRAMEWORKS := target/frameworks/.complete
SDK_MODULES := tests/sdk/node_modules/.complete

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
DESTDIR ?=
LDCONFIG ?= ldconfig

# The tests hold what `make install` installs against what cargo-c installs. This one wants
# Rust 1.95, which nothing but the tests does.
CARGO_C_VERSION := 0.10.24+cargo-0.98.0
CARGO_C := target/tools/cargo-c-$(CARGO_C_VERSION)/bin/cargo-cinstall

SUITES := test-rust test-faults test-python test-databases test-live-collections test-sdk test-install test-directus \
    test-node test-proxies test-examples test-other test-docs test-abi test-frameworks

.PHONY: lib install dist test-dist demo play recording pictures examples node-package test $(SUITES) check lint fmt scripted-server soak \
    soak-faults careless lines mutants bench bench-live header deps test-deps servers clean

# The programs look for the soname, not for the file that they were linked with.
lib:
	$(CARGO) build --release
	@ln -sf libdirectus_realtime.so $(LIBRARY).0
	@bindings/c/static-library.sh $(LIBRARY:.so=.a) $(STATIC_LIBRARY)

# Root, for whom the system's folders are, often has no cargo: `make lib && sudo make install`.
install: $(if $(shell command -v $(CARGO)),lib)
	@BUILD="$(BUILD)" PREFIX="$(abspath $(PREFIX))" LIBDIR="$(abspath $(LIBDIR))" \
	    DESTDIR="$(if $(DESTDIR),$(abspath $(DESTDIR)))" \
	    LDCONFIG="$(LDCONFIG)" bindings/c/install.sh

# What is published, into target/dist/, for the platforms of bindings/publish/platforms.py: all,
# those that are named, or those that the Rust toolchain can build for (`available`).
PLATFORMS ?= all
DIST_TOOLS := target/dist-tools
dist: $(DIST_TOOLS)/complete node-package
	@tests/deps.sh dist
	$(DIST_TOOLS)/bin/python bindings/publish/dist.py $(PLATFORMS)

$(DIST_TOOLS)/complete: bindings/publish/tools.txt
	$(PYTHON) -m venv --clear $(DIST_TOOLS)
	$(DIST_TOOLS)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

# What `make dist` has made for the platforms that it can be made for, each package installed in
# an empty environment.
test-dist: scripted-server
	@$(MAKE) --no-print-directory dist PLATFORMS=available
	@tests/deps.sh dist-tests
	$(SCRIPTED_SERVER) $(PYTHON) -m unittest discover -s tests/packaging

# Without optimization: it is used a few times only.
$(CARGO_C):
	@echo "building cargo-c, for the tests: about four minutes, once"
	CARGO_PROFILE_DEV_DEBUG=0 $(CARGO) install cargo-c --debug --locked --version $(CARGO_C_VERSION) \
	    --root target/tools/cargo-c-$(CARGO_C_VERSION) --target-dir target/tools/cargo-c-build
	rm -rf target/tools/cargo-c-build

examples: lib $(EXAMPLES)

$(BUILD)/examples/%: examples/c/%.c $(wildcard examples/c/*.h) $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) -std=c11 $(WARNINGS) $(CFLAGS) -Iinclude $< \
	    -o $@ $$(pkg-config --cflags --libs jansson) \
	    -L$(BUILD)/release -ldirectus_realtime -Wl,-rpath,'$$ORIGIN/../release'

$(BUILD)/examples/cpp/%: examples/cpp/%.cpp include/directus_realtime.hpp $(LIBRARY)
	@mkdir -p $(@D)
	$(CXX) -std=c++17 -pthread $(WARNINGS) -Wconversion -Wshadow $(CFLAGS) -Iinclude $< \
	    -o $@ -L$(BUILD)/release -ldirectus_realtime -Wl,-rpath,'$$ORIGIN/../../release'

$(LIBRARY): lib

demo: deps examples node-package
	@$(PYTHON) examples/demo.py

# A real server to try programs with, until Ctrl-C.
play: deps examples node-package
	@$(PYTHON) examples/play.py

# The README's picture of the demo.
recording: deps examples node-package
	$(PYTHON) examples/record.py

# The pictures of the guides.
pictures:
	$(PYTHON) docs/pictures/draw.py

# What machines may lack, from the system's own packages: to build, and to test.
deps:
	@tests/deps.sh

test-deps:
	@tests/deps.sh tests

# Real servers, pinned, cached under target/.
servers: deps test-deps
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
	$(PYTHON) tests/simulation/mutants.py --check

fmt: $(TOOLS)/complete
	$(CARGO) fmt
	$(TOOLS)/bin/clang-format -i $(C_SOURCES)
	$(TOOLS)/bin/ruff format .
	$(TOOLS)/bin/ruff check --fix .

check: deps lint
	$(CARGO) test --lib --test header

scripted-server:
	$(CARGO) build --example scripted_server

# Everything is installed and built first; then the suites, which mostly wait for servers, run
# side by side. What each of them prints comes when it has ended.
AT_HAND := servers lint examples node-package $(RUNTIMES) $(CARGO_C) $(PYTHON_TOOLS)/complete $(SDK_MODULES) $(FRAMEWORKS)
SIDE_BY_SIDE := --no-print-directory --jobs 3 --output-sync=target
test: deps test-deps
	$(MAKE) $(SIDE_BY_SIDE) $(AT_HAND)
	$(CARGO) test --no-run
	$(MAKE) $(SIDE_BY_SIDE) --keep-going $(SUITES)

# The faults on real servers take as long as all the others.
RUST_TESTS := $(filter-out faults,$(basename $(notdir $(wildcard tests/*.rs))) \
    $(notdir $(patsubst %/main.rs,%,$(wildcard tests/*/main.rs))))

test-rust:
	$(CARGO) build
	$(CARGO) test --lib $(addprefix --test ,$(RUST_TESTS)) -- --test-threads 3

test-faults: servers
	$(CARGO) build
	$(CARGO) test --test faults -- --test-threads 3

test-directus: servers
	$(PYTHON) -m unittest discover -s tests/directus

# A mirror against SQLite, PostgreSQL and MariaDB.
test-databases: servers lib
	$(PYTHON) tests/databases/side_by_side.py

# Live collections against the same, and against what a server may do to them.
test-live-collections: servers lib
	$(PYTHON) tests/databases/side_by_side.py tests/live_collections

test-examples: servers examples node-package $(PYTHON_TOOLS)/complete
	$(PACKAGES) $(PYTHON) -m unittest discover -s tests/examples

# The languages that have no package: where a runtime is missing, the suite says which.
test-other: servers lib
	$(PYTHON) -m unittest discover -s tests/other

# The pages of docs/, and the README: each snippet compiled and run.
test-docs: servers lib scripted-server $(PYTHON_TOOLS)/complete
	$(PACKAGES) $(PYTHON) -m unittest discover -s tests/docs

# The library through the reverse proxies of docs/proxies.md: a missing one is skipped by name.
test-proxies: servers lib
	$(PACKAGES) $(PYTHON) -m unittest discover -s tests/proxies

# The recipes for frameworks of docs/: what could not be installed is skipped by name.
test-frameworks: servers lib $(FRAMEWORKS)
	$(PACKAGES) $(PYTHON) -m unittest discover -s tests/frameworks

$(FRAMEWORKS): tests/frameworks/requirements.txt
	$(PYTHON) -m venv --clear $(@D)/venv
	-$(@D)/venv/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

# Programs and libraries of different ages.
test-abi: servers lib
	CARGO="$(CARGO)" $(PYTHON) -m unittest discover -s tests/abi

# What `make install` installs, used elsewhere.
test-install: lib $(CARGO_C)
	CARGO_CINSTALL="$(CURDIR)/$(CARGO_C)" $(PYTHON) -m unittest discover -s tests/install

# The official SDK and this library, side by side.
test-sdk: servers node-package $(SDK_MODULES)
	cd $(NODE_PACKAGE) && node_modules/.bin/prettier --config .prettierrc.json --check \
	    "../../tests/sdk/**/*.mjs" ../../tests/sdk/package.json
	cd tests/sdk && DIRECTUS_REALTIME_LIBRARY=$(LIBRARY) npm test

$(SDK_MODULES): tests/sdk/package-lock.json
	cd tests/sdk && npm ci --ignore-scripts
	touch $@

# The Python package, with the library as it is released, also on the newest Python.
AT_ONCE := -q -n 3 --dist loadfile
test-python: servers lib scripted-server $(PYTHON_TOOLS)/complete
	cd $(PYTHON_PACKAGE) && $(PYTHON_TOOLS)/bin/mypy
	cd $(PYTHON_PACKAGE) && $(PYRIGHT) $(PYTHON_TOOLS)/bin/pyright
	cd $(PYTHON_PACKAGE) && $(PACKAGES) $(PYRIGHT) $(PYTHON_TOOLS)/bin/pyright \
	    --pythonpath $(PYTHON_TOOLS)/bin/python --verifytypes directus_realtime --ignoreexternal
	cd $(PYTHON_PACKAGE) && $(PACKAGES) PYTHONDEVMODE=1 $(PYTHON_TOOLS)/bin/pytest $(AT_ONCE)
	cd $(PYTHON_PACKAGE) && $(PACKAGES) $(PYTHON_TOOLS)/bin/python tests/newest.py $(AT_ONCE) \
	    --ignore tests/test_install.py --ignore tests/test_placement.py \
	    --ignore tests/test_aio_methods.py \
	    -k "not real_events and not restart and not server_line"

$(PYTHON_TOOLS)/complete: $(PYTHON_PACKAGE)/requirements-dev.txt examples/python/requirements.txt \
    examples/python/loops/requirements.txt
	$(PYTHON) -m venv --clear $(PYTHON_TOOLS)
	$(PYTHON_TOOLS)/bin/pip install --quiet --disable-pip-version-check $(^:%=-r %)
	touch $@

# The Node package, with the library as it is released.
test-node: servers lib scripted-server node-package $(RUNTIMES)
	cd $(NODE_PACKAGE) && npm run lint
	cd $(NODE_PACKAGE) && node_modules/.bin/prettier --config .prettierrc.json --check "../../examples/node/**/*.{mjs,js,html,css,vue}" \
	    "../../tests/scripted_server/*.mjs" "../../benches/node/*.mjs"
	cd $(NODE_PACKAGE) && DIRECTUS_REALTIME_LIBRARY=$(LIBRARY) $(SCRIPTED_SERVER) npm test

# The Node package as the examples find it.
node-package: $(NODE_MODULES)
	cd $(NODE_PACKAGE) && npm run --silent build
	@mkdir -p examples/node/node_modules
	@ln -sfn ../../../$(NODE_PACKAGE) examples/node/node_modules/directus-realtime

$(NODE_MODULES): $(NODE_PACKAGE)/package-lock.json
	cd $(NODE_PACKAGE) && npm ci --ignore-scripts
	touch $@

$(RUNTIMES):
	mkdir -p $(@D)
	-npm install --prefix $(@D) --no-audit --no-fund --no-package-lock $(RUNTIME_PACKAGES)
	touch $@

# The simulation, until it is stopped or fails.
soak:
	DRT_SIM_SCHEDULES=0 $(CARGO) test --test simulation -- --nocapture

# Ten times what `make test` does to real servers.
soak-faults: servers
	DRT_FAULT_RESTARTS=300 DRT_FAULT_FAILOVERS=30 DRT_FAULT_SECONDS=600 \
	    $(CARGO) test --test faults -- --nocapture

# A careless program in C: plain, with sanitizers, with valgrind. `make careless SECONDS=600 SEED=7`.
SECONDS ?= 60
careless:
	$(CARGO) build
	DRT_CARELESS_SECONDS=$(SECONDS) DRT_CARELESS_SEED=$(SEED) $(CARGO) test --test careless -- \
	    --nocapture --test-threads 1

# The library on lines of Directus from 10.13 on, which are installed under target/ (6 GB, and an
# hour the first time); writes docs/compatibility.md.
lines: deps test-deps lib
	DIRECTUS_REALTIME_LIBRARY=$(LIBRARY) $(PYTHON) tests/lines/run.py

# Deliberate faults in the library: the simulation must notice each.
mutants:
	$(PYTHON) tests/simulation/mutants.py

# What the library costs beside peers in the same run: benches/README.md.
bench: lib node-package $(BENCH_PEERS)
	$(PACKAGES) $(PYTHON) benches/run.py

bench-live: lib node-package $(BENCH_PEERS)
	$(PACKAGES) $(PYTHON) benches/run.py --live

$(BENCH_PEERS): benches/peers.txt
	$(PYTHON) -m venv --clear target/bench/venv
	target/bench/venv/bin/pip install --quiet --disable-pip-version-check -r benches/peers.txt
	touch $@

header:
	DRT_UPDATE_HEADER=1 $(CARGO) test --test header

clean:
	$(CARGO) clean
