# Two commands on a fresh machine with Python 3.11+ and make: `make test`, `make demo`.

# The first of these that runs and is new enough; or say it: make PYTHON=/path/to/python3 demo
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python3.14; do \
  $$name -c '$(NEW_ENOUGH)' 2>/dev/null && { command -v $$name; break; }; done)
VENV := .venv
PEER := .venv-peer
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help venv demo up test check faults simulate bench lock clean

help: ## Show the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(READY) ## Create the virtual environment

# Made anew only when what it holds has changed.
$(READY): requirements-dev.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Stride needs Python 3.11 or newer; none was found here." \
	    "Install one, or say where it is: make PYTHON=/path/to/python3.11"; exit 78; }
	@"$(PYTHON)" -c '$(NEW_ENOUGH)' || { echo "Stride needs Python 3.11 or newer; $(PYTHON) is not:" \
	    "make PYTHON=/path/to/python3.11"; exit 78; }
	@echo "Creating the virtual environment with $(PYTHON) ..."
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV) \
	  || { echo "No virtual environment could be made: this Python lacks venv or ensurepip" \
	       "(on Debian and Ubuntu: apt install python3-venv)."; rm -rf $(VENV); exit 78; }
	@echo "Installing the locked packages (some 300 MB the first time) ..."
	@{ $(PIP) --require-hashes -r requirements-dev.lock && $(PIP) --no-deps --no-build-isolation -e . \
	    || echo "make-venv: failed"; } 2>&1 | tee $(VENV)/pip.log \
	  | awk -v total=$$(grep -c '^[a-zA-Z].*==' requirements-dev.lock) \
	      '/^Collecting / && ++n % 20 == 0 {print "  " n " of " total " found"; fflush()} \
	       /^Installing / {print "  unpacking ..."; fflush()} \
	       /^make-venv: failed/ {failed = 1} END {exit failed}' \
	  || { tail -n 25 $(VENV)/pip.log; echo "Installing failed; the whole log is $(VENV)/pip.log."; exit 69; }
	@touch $@

demo: $(READY) ## Run the simulated clinic against the real stack (ARGS="--patients 30")
	@$(BIN)/stride demo $(ARGS)

up: $(READY) ## Run the stack until Ctrl-C (ARGS="--fresh")
	@$(BIN)/stride up $(ARGS)

test: $(READY) ## Run the tests against the real servers (ARGS="tests/domain -k taper")
	@$(BIN)/python -m pytest $(ARGS)

check: $(READY) ## Everything CI runs: style, types, architecture, contracts, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/stride contracts check
	$(BIN)/python -m pytest $(ARGS)

faults: $(READY) ## Break processes, servers and networks, and count what is lost (ARGS="--kills 1000")
	@$(BIN)/python -m tests.faults $(ARGS)

simulate: $(READY) ## Explore seeded schedules with a crash at any await (ARGS="--seeds 10000")
	@$(BIN)/python -m tests.simulation $(ARGS)

bench: $(READY) $(PEER)/.ready ## Measure speed beside its references and a peer (ARGS="--quick")
	@$(BIN)/stride bench $(ARGS)

# The peer pins other versions than we do: an environment of its own. Without it the bench says so and goes on.
$(PEER)/.ready: benchmarks/references/peer-requirements.txt
	@echo "Installing the peer (quixstreams) into $(PEER) ..."
	@{ "$(PYTHON)" -m venv $(PEER) && $(PEER)/bin/python -m pip install --disable-pip-version-check --quiet -r $< \
	    && touch $@; } || echo "The peer could not be installed: its row will be missing."

LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet
lock: $(READY) ## Resolve the dependencies anew and write the lock files
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --disable-pip-version-check --quiet uv
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) pyproject.toml --extra embedded --extra dev -c requirements.lock -o requirements-dev.lock
	$(BIN)/python -m stride.embedded.lock

clean: ## Remove the virtual environment, caches and the stack's data
	rm -rf $(VENV) $(PEER) .stride build *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
