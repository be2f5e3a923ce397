# Every target that runs something sets up what it needs first (.ci/setup): .venv, the packages, Debian's mosquitto and what tests need. The second time it is there.
# ARGS goes to the program: make test ARGS="tests/core -k panic". PYTHON chooses the interpreter that .venv is made with.

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest

# Debian puts mosquitto into /usr/sbin, which is not on everybody's PATH.
export PATH := $(PATH):/usr/sbin

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint check bench soak mutate test-install wheelhouse release audit test-arm64 clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv and install what everything else needs
	@.ci/setup

demo: setup ## a unit on this desk: simulated devices, a broker, the real agent
	@$(BIN)/outpost-sim demo $(ARGS)

test: setup ## the tests
	@$(PYTEST) $(ARGS)

lint: setup ## ruff, and mypy --strict
	@$(BIN)/ruff check . && style=0 || style=1; $(BIN)/mypy && exit $$style

check: lint audit ## what must pass before a commit: lint, the audit of dependencies, and the tests with the coverage of core and wire
	@$(PYTEST) --cov=agent.core --cov=agent.wire --cov-report=term $(ARGS)

bench: setup ## measure speed and size (prints numbers)
	@$(PYTEST) tests/bench -s -m bench $(ARGS)

soak: setup ## the long runs: minutes to hours
	@$(PYTEST) -s -m soak --timeout=0 $(ARGS)

mutate: setup ## which mistakes in the panic button and the lights would no test see? (a quarter of an hour; make mutate ARGS="panic.py")
	@$(BIN)/python -m tests.mutation $(ARGS)

test-install: setup ## install it into Debian trees that are booted with their own systemd (root; two trees of 300 MB are kept in ~/.cache/outpost)
	@.ci/setup install && $(PYTEST) tests/install -m install -s $(ARGS)

test-arm64: setup ## the release on a Raspberry Pi's processor, emulated (root; a quarter of an hour, the first time more; two trees of 300 MB are kept in ~/.cache/outpost)
	@.ci/setup cross && .ci/setup arm64 && $(PYTEST) tests/arm64 -m arm64 -s --timeout=3600 $(ARGS)

audit: setup ## known holes in what runs in the vehicle; ARGS=--strict: what could not be looked up is a failure
	@$(BIN)/python -m tests.release audit $(ARGS)

wheelhouse: setup ## the wheels that one kind of machine needs, for an install without a network: make wheelhouse ARCH=aarch64 (or x86_64; both without)
	@.ci/setup cross && $(BIN)/python -m tests.release wheelhouse $(ARCH)

release: setup ## the audit, then dist/: sdist, wheel, a bundle and its SBOM for each architecture, SHA256SUMS; ARGS=--strict: not without the advisory service
	@.ci/setup cross && $(BIN)/python -m tests.release bundles $(ARCH) $(ARGS)

clean: ## remove .venv and everything that tools left behind
	rm -rf .venv build dist *.egg-info .coverage htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find agent simulator tests -name __pycache__ -type d -prune -exec rm -rf {} +
