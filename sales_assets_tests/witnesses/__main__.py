"""The long run: `python -m sales_assets_tests.witnesses`, or one seed of it again."""

import sys

import click

from sales_assets_tests.witnesses import harness
from sales_assets_tests.witnesses.comparison import Disagreement
from sales_assets_tests.witnesses.journeys import SourceLog, random_log

#: More than these are never read.
SHOWN = 20


@click.command()
@click.option("--logs", default=10_000, show_default=True, help="How many random logs.")
@click.option("--first-seed", default=0, show_default=True, help="The seed of the first.")
@click.option("--seed", type=int, help="Only this log: show it, and what differs in it.")
def main(logs: int, first_seed: int, seed: int | None) -> None:
    """Hold the numbers against independent SQL and ClickHouse; exit 1 at a disagreement."""
    found = one_seed(seed) if seed is not None else long_run(first_seed, logs)
    for disagreement in found[:SHOWN]:
        click.echo(str(disagreement))
    click.echo(f"{len(found)} disagreements")
    sys.exit(1 if found else 0)


def one_seed(seed: int) -> list[Disagreement]:
    """Print the log of `seed` and return what differs in it."""
    log = random_log(seed)
    click.echo(described(log))
    return _checked([log])


def long_run(first_seed: int, count: int) -> list[Disagreement]:
    """Check `count` logs, telling after each batch how far it is."""
    if not harness.has_clickhouse():
        click.echo("chdb is not installed (extra `witnesses`): ClickHouse is not asked.")
    found: list[Disagreement] = []
    done = 0
    for batch in harness.batches(first_seed, count):
        found += _checked(batch)
        done += len(batch)
        click.echo(f"{done} of {count} logs, {len(found)} disagreements")
    return found


def described(log: SourceLog) -> str:
    """Return the log as text: zones, days and the three tables."""
    heads = (
        f"seed {log.seed}: report {log.report_zone.key}, source {log.source_zone.key}, days "
        f"{', '.join(map(str, log.days))}, first partition {log.first_partition}, history from "
        f"{log.history_first_day}"
    )
    names = log.events_dict.set_index("id")["_description"]
    events = log.events.assign(name=log.events["event_id"].map(names))
    tables = (
        events.sort_values(["_user_id", "happened_at"]).to_string(max_colwidth=40),
        log.payments.sort_values(["_user_id", "transaction_created_at"]).to_string(max_colwidth=40),
    )
    return "\n".join((heads, *tables))


def _checked(logs: list[SourceLog]) -> list[Disagreement]:
    found = harness.against_product(logs)
    if harness.has_clickhouse():
        found += harness.against_clickhouse(logs)
    return found


if __name__ == "__main__":
    main()
