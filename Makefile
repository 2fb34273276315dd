# make demo | test | dev | bench | witnesses | faults | lint

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
VAR ?= $(CURDIR)/var

export DAGSTER_HOME ?= $(VAR)/dagster
export SALES_ASSETS_VAR ?= $(VAR)
# Materializations of a range are written to a Postgres instance in batches.
export DAGSTER_EVENT_BATCH_SIZE ?= 500

.PHONY: demo test dev bench witnesses faults lint clean

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

## Everything from the embedded Postgres to the delivered report.
demo: $(INSTALLED)
	$(BIN)/sales-assets demo

## The Dagster UI on http://127.0.0.1:3000 with schedule, sensors and, with a token, the bot.
dev: $(INSTALLED)
	$(BIN)/sales-assets dev

test: $(INSTALLED)
	$(BIN)/python -m pytest

bench: $(INSTALLED)
	$(BIN)/python -m sales_assets_tests.benchmarks

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports --config setup.cfg

clean:
	rm -rf $(VENV) $(VAR)
