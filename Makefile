# directus-realtime: build, demonstrate, test.
#
#   make demo    a C program follows a real Directus server
#   make test    every test there is
#   make check   the quick part of them

SHELL := /bin/bash
CARGO ?= cargo
PYTHON ?= python3

.PHONY: lib demo examples test check lint fmt bench header deps servers clean

lib:
	$(CARGO) build --release

# What tests need and machines may lack, from the system's own packages.
deps:
	@tests/deps.sh

# Real servers, pinned, cached under target/.
servers: deps
	$(PYTHON) tests/directus/install.py

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings

fmt:
	$(CARGO) fmt

check: deps lint
	$(CARGO) test --lib --test header

test: servers lint
	$(CARGO) build
	$(CARGO) test -- --test-threads 3
	$(PYTHON) -m unittest discover -s tests/directus

bench:
	$(CARGO) bench --bench library

header:
	DRT_UPDATE_HEADER=1 $(CARGO) test --test header

clean:
	$(CARGO) clean
