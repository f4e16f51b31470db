# Works with GNU make 3.81, which macOS has: no .ONESHELL, no .SHELLFLAGS.
SHELL := bash
BIN := .venv/bin
# Set-up leaves this stamp in a complete environment, whose Python starts without a version manager's script. It may be
# a link to one that was removed, or that only another user may run.
PYTHON ?= $(shell if [ -f .venv/set-up.json -a -x $(BIN)/python ]; then echo $(BIN)/python; else echo python3; fi)
# A Python that was named is taken; otherwise set-up may choose a faster one than python3.
SET_UP = -m tools.setup$(if $(filter file,$(origin PYTHON)), --any-python)
CODE := __main__.py infra localaws verify gate tests tools
# Each worker rewrites the assertions of every test for six seconds where Python may not keep the result.
PYTEST = PYTHONDONTWRITEBYTECODE= PULUMI_ERROR_OUTPUT_STRING=true $(BIN)/pytest

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast check format lint types gate reachability permissions models picture bench lock stop clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## install what is missing: uv, the environment, the Pulumi CLI
	@$(PYTHON) $(SET_UP)

STACK = local
CHECK_local = --expect-tasks 2
CHECK_ec2 = --expect-tasks 3 --path /hostname --identity 'body-regex:([0-9a-f]{12})'

demo: setup ## deploy to the local AWS and check the deployment; STACK=ec2 runs its tasks on EC2 instances
	@if [ -z "$(CHECK_$(STACK))" ]; then echo 'make demo: STACK: $(STACK); allowed: local, ec2' >&2; exit 1; fi
	$(BIN)/pulumi-local up --yes --skip-preview --stack $(STACK)
	set -o pipefail; $(BIN)/pulumi-local stack output albDns --stack $(STACK) | { \
	  tasks=$$($(BIN)/pulumi-local status --public-tasks </dev/null | sed 's/^/--closed /') && \
	  $(BIN)/verify $(CHECK_$(STACK)) --each-address --closed :3389 $$tasks --interval 250ms; }

test: setup ## run every test, the engine's too; ARGS="tests/infra -x" runs some, -n0 without workers
	$(PYTEST) -n auto $(ARGS)

test-fast: setup ## run what needs no engine and no long waits; takes ARGS too
	HYPOTHESIS_PROFILE=fast $(PYTEST) -n logical -m "not slow" --ignore=tests/engine $(ARGS)

check: lint types gate test ## everything that must pass before a change is merged

format: setup ## format the code and fix what can be fixed
	$(BIN)/ruff check --quiet --fix-only $(CODE)
	$(BIN)/ruff format $(CODE)

lint: setup ## check the format and the lint rules, without changing anything
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)

types: setup ## check the static types
	$(BIN)/mypy

gate: setup ## review the security of every stack; installs its scanners on first use (docs/gate.md)
	$(BIN)/python -m gate

reachability: setup ## print who can reach which port, in every stack
	@$(BIN)/python -m gate reachability

permissions: setup ## write the IAM policies for deployments and previews (docs/permissions.md)
	$(BIN)/python -m gate permissions --write

models: setup ## generate the catalog's tables from the SDK and the newest botocore
	$(BIN)/python -m tools.sdk_inputs
	set -e; uv=$$($(PYTHON) -m tools.uv); folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$$uv pip install --quiet --no-deps --python $(BIN)/python --target "$$folder" botocore; \
	$(BIN)/python -m tools.service_models "$$folder"

picture: setup ## run the demo in a terminal and draw it, for the README
	$(BIN)/python -m tools.picture

bench: setup ## run the benchmarks, and print ratios
	$(BIN)/python tests/bench/run.py

lock: ## recompile the locked requirements; UPGRADE=--upgrade takes newer versions
	set -e; uv=$$($(PYTHON) -m tools.uv); pin="--universal --generate-hashes --quiet $(UPGRADE)"; \
	$$uv pip compile pyproject.toml $$pin --all-extras --group dev -o requirements.txt; \
	for tool in tools/uv tools/gate tools/pulumi/go-toolchain tools/stand_in/nginx; do $$uv pip compile $$tool.in $$pin -o $$tool.txt; done

stop: ## stop what the local AWS runs
	@if [ -x $(BIN)/pulumi-local ]; then $(BIN)/pulumi-local stop; fi

clean: ## stop, and remove everything that this checkout made; not the cache (docs/setup.md)
	-@$(MAKE) --no-print-directory stop
	rm -rf .venv .local .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find $(CODE) -name __pycache__ -prune -exec rm -rf {} +
