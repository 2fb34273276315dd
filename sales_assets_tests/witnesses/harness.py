"""Holds the product, the SQL witness and ClickHouse against each other, seed by seed."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec

import pandas as pd

from sales_assets_tests.witnesses.clickhouse import funnel_depths
from sales_assets_tests.witnesses.comparison import Disagreement, Frames, disagreements
from sales_assets_tests.witnesses.implementation import numbers_for
from sales_assets_tests.witnesses.journeys import SourceLog, random_log
from sales_assets_tests.witnesses.witness import witnessed

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
