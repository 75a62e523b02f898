# Everything a contributor runs. `make help` lists it.
PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,$(if $(shell $(p) -c 'import sys; print("ok" if sys.version_info >= (3, 11) else "")' 2>/dev/null),$(p))))
BIN := .venv/bin
STAMP := .venv/.installed
CODE := src tests tools bench

.DEFAULT_GOAL := help
.PHONY: help setup up demo db-up db-new test contract bench eval-phi eval-replies check-rules chaos race rush check fix docs ci

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv and install the pinned requirements (again only when they change)

$(STAMP): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Handbell needs Python 3.11 or newer on the PATH."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

up: setup ## start PostgreSQL, Valkey and the API on this machine
	$(BIN)/handbell up

demo: setup ## play a made-up practice in simulated time (ARGS="--days 7" and the like)
	$(BIN)/handbell demo $(ARGS)

db-up: setup ## bring the database of HANDBELL_DATABASE_URL to the newest shape
	$(BIN)/handbell migrate

db-new: setup ## draft a migration from the tables in code (NAME=what_changes)
	$(BIN)/python -m tools.new_revision "$(NAME)"

test: setup ## run the tests, side by side (ARGS="tests/messages -x" narrows it)
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)

contract: setup ## hold clients, SDKs and sandbox against the providers' OpenAPI files (needs ../shared)
	$(BIN)/python -m tools.contract $(ARGS)

bench: setup ## measure throughput beside floors on this machine (about a minute)
	$(BIN)/python -m bench --json build/bench.json

eval-phi: setup ## measure the filter of rendered texts on its corpus (ARGS=--json)
	$(BIN)/python -m tools.eval_phi $(ARGS)

eval-replies: setup ## measure the reading of patients' texts on its corpus (ARGS=--json)
	$(BIN)/python -m tools.eval_replies $(ARGS)

check-rules: setup ## ask rules and gate against an oracle that walks minutes, then break them (16 min)
	$(BIN)/python -m tools.check_rules $(ARGS)

chaos: setup ## kill the product's processes under load and count what arrives (25 min; CHAOS=quick a tenth)
	$(BIN)/python -m tools.chaos --size $(or $(CHAOS),full) $(ARGS)

race: setup ## let 1,000 STOPs meet messages on their way: none may arrive afterwards (ARGS="--trials 100")
	$(BIN)/python -m tools.race $(ARGS)

rush: setup ## send 10,000 messages due in one minute for 20 organisations (ARGS="--messages 1000")
	$(BIN)/python -m tools.rush $(ARGS)

check: setup ## lint, formatting, types, import contracts, spelling, the project's own rules
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy --explicit-package-bases $(CODE)
	$(BIN)/lint-imports
	$(BIN)/codespell $(CODE) docs README.md CONTRIBUTING.md CHANGELOG.md
	$(BIN)/python -m tools.lint

fix: setup ## let the linter and the formatter repair what they can
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

docs: setup ## follow every link between the pages of the documentation
	$(BIN)/python -m tools.doc_links

ci: check docs test ## what continuous integration runs
