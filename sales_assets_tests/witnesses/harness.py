"""Holds the product, the SQL witness and ClickHouse against each other, seed by seed."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec

import pandas as pd

from sales_assets_tests.witnesses.clickhouse import funnel_depths
from sales_assets_tests.witnesses.client_groups import Client, Event, group_of_each, words_of
from sales_assets_tests.witnesses.comparison import Disagreement, Frames, disagreements
from sales_assets_tests.witnesses.implementation import cohort_groups, numbers_for
from sales_assets_tests.witnesses.journeys import SourceLog, random_log
from sales_assets_tests.witnesses.witness import bounds_us, witnessed

#: Logs that share one run of the SQL; one by one they would cost ten times as much.
BATCH = 100


def has_clickhouse() -> bool:
    """Tell whether `chdb` (the extra `witnesses`) is installed."""
    return find_spec("chdb") is not None


def against_product(logs: Sequence[SourceLog]) -> list[Disagreement]:
    """Return where the product's numbers differ from the SQL witness's."""
    truth = witnessed(logs)
    return disagreements(truth, product_numbers(logs, truth["user_history"]))


def against_clickhouse(logs: Sequence[SourceLog]) -> list[Disagreement]:
    """Return where ClickHouse's `windowFunnel` differs from the SQL witness, user by user."""
    truth = witnessed(logs)
    return disagreements({"depths": truth["depths"]}, {"depths": funnel_depths(truth["visible"])})


def against_groups(log: SourceLog) -> list[Disagreement]:
    """Return where the product's client groups differ from the witness's, client by client.

    Groups agree if they hold the same clients; their names agree in the words they have to hold.
    """
    truth = witnessed([log])
    cutoff_us = bounds_us(log, log.days[-1])[1]
    ours = group_of_each(_clients(truth), cutoff_us, log.report_zone)
    theirs = cohort_groups(log, truth["user_history"])
    names = {group.number: theirs.get(user_id) for user_id, group in ours.items()}
    numbers = {theirs.get(user_id): group.number for user_id, group in ours.items()}
    return [
        Disagreement(log.seed, str(log.days[-1]), "client_groups", (user_id,), "group", group, name)
        for user_id in ours.keys() | theirs.keys()
        for group, name in [(ours.get(user_id), theirs.get(user_id))]
        if group is None
        or name is None
        or (name, group.number) != (names[group.number], numbers[name])
        or words_of(name) != group.words
    ]


def _clients(truth: Frames) -> dict[str, Client]:
    """Return the clients with a row that the report may use, with all their history."""
    events, past = (_events_by_client(truth[name]) for name in ("visible", "history"))
    return {user_id: Client(events[user_id], past[user_id]) for user_id in events}


def _events_by_client(rows: pd.DataFrame) -> dict[str, list[Event]]:
    columns = ["user_id", "at_us", "type"]
    found: dict[str, list[Event]] = {}
    for user_id, at_us, kind in rows[columns].itertuples(index=False, name=None):
        found.setdefault(user_id, []).append(Event(at_us, kind))
    return found


def product_numbers(logs: Sequence[SourceLog], history: pd.DataFrame) -> Frames:
    """Return the product's assets of all logs, stacked, with the seed before each row."""
    each = [(log.seed, numbers_for(log, history)) for log in logs]
    return {
        asset: pd.concat([frames[asset].assign(seed=seed) for seed, frames in each])
        for asset in each[0][1]
    }


def batches(first_seed: int, count: int) -> Iterator[list[SourceLog]]:
    """Yield the logs of `count` seeds from `first_seed` on, a batch at a time."""
    end = first_seed + count
    for start in range(first_seed, end, BATCH):
        yield [random_log(seed) for seed in range(start, min(start + BATCH, end))]
