"""The long run: `python -m sales_assets_tests.witnesses`, or one seed of it again."""

import sys

import click

from sales_assets_tests.witnesses import harness
from sales_assets_tests.witnesses.comparison import Disagreement
from sales_assets_tests.witnesses.journeys import SourceLog, crowd_log, random_log
from sales_assets_tests.witnesses.slips import told_apart

#: More than these are never read.
SHOWN = 20


#: One log of a crowd, for the client groups, to so many small ones: it costs as much as these.
LOGS_PER_CROWD = 50


@click.command()
@click.option("--logs", default=10_000, show_default=True, help="How many random logs.")
@click.option("--first-seed", default=0, show_default=True, help="The seed of the first.")
@click.option("--seed", type=int, help="Only this log: show it, and what differs in it.")
@click.option("--crowd", type=int, help="The same for a log of a crowd, for the client groups.")
def main(logs: int, first_seed: int, seed: int | None, crowd: int | None) -> None:
    """Hold the numbers against independent SQL and ClickHouse; exit 1 at a disagreement."""
    if seed is not None:
        found = _checked([_shown(random_log(seed))])
    elif crowd is not None:
        found = harness.against_groups(_shown(crowd_log(crowd)))
    else:
        found = long_run(first_seed, logs)
    for disagreement in found[:SHOWN]:
        click.echo(str(disagreement))
    click.echo(f"{len(found)} disagreements")
    sys.exit(1 if found else 0)


def long_run(first_seed: int, count: int) -> list[Disagreement]:
    """Check `count` logs, telling after each batch how far it is."""
    if not harness.has_clickhouse():
        click.echo("chdb is not installed (extra `witnesses`): ClickHouse is not asked.")
    _check_sharpness()
    found: list[Disagreement] = []
    done = 0
    for batch in harness.batches(first_seed, count):
        found += _checked(batch)
        for log in batch[::LOGS_PER_CROWD]:
            found += harness.against_groups(crowd_log(log.seed))
        done += len(batch)
        click.echo(f"{done} of {count} logs, {len(found)} disagreements")
    return found


def _check_sharpness() -> None:
    """Stop if a definition with a slip gives the numbers of the right one on the first logs."""
    apart = told_apart([random_log(seed) for seed in range(harness.BATCH)])
    blunt = [promise for promise, is_shown in apart.items() if not is_shown]
    if blunt:
        raise click.ClickException(f"the random logs no longer show a slip in: {blunt}")
    click.echo(f"each of {len(apart)} slips in the definitions shows in the random logs")


def _shown(log: SourceLog) -> SourceLog:
    click.echo(described(log))
    return log


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
