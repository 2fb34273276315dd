"""The product against its witnesses: independent SQL, ClickHouse, scikit-learn, plain loops.

Ten thousand logs go through `make witnesses`; these few hundred go through on every change.
"""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from sales_assets.core.metrics.groups import weighted_silhouette
from sales_assets_tests.witnesses import harness
from sales_assets_tests.witnesses.comparison import COLUMNS, Disagreement
from sales_assets_tests.witnesses.implementation import numbers_for
from sales_assets_tests.witnesses.journeys import crowd_log, random_log
from sales_assets_tests.witnesses.silhouette import expanded_silhouette, random_weighted_groups
from sales_assets_tests.witnesses.witness import witnessed
from sales_assets_tests.witnesses.worked_examples import worked_example

#: A sample: `make witnesses` checks thousands, CI a hundred with ClickHouse beside.
LOGS = 60
CROWDS = 6


@pytest.fixture(scope="module")
def found() -> list[Disagreement]:
    return [
        disagreement
        for batch in harness.batches(0, LOGS)
        for disagreement in harness.against_product(batch)
    ]


def listed(found: list[Disagreement]) -> str:
    return "\n".join(map(str, found[:10]))


def test_independent_sql_agrees_with_every_number_of_random_journeys(
    found: list[Disagreement],
) -> None:
    of_days = [each for each in found if each.asset != "daily_values"]
    assert not of_days, listed(of_days)


def test_independent_sql_agrees_with_the_values_that_every_day_is_judged_by(
    found: list[Disagreement],
) -> None:
    of_values = [each for each in found if each.asset == "daily_values"]
    assert not of_values, listed(of_values)


def test_the_product_gives_the_numbers_that_were_worked_out_by_hand() -> None:
    found = harness.against_product([worked_example()])
    assert not found, listed(found)


def test_nothing_that_the_witness_computes_is_left_uncompared() -> None:
    log = random_log(0)
    truth = witnessed([log])
    computed = numbers_for(log, truth["user_history"])
    assert COLUMNS.keys() <= truth.keys()
    assert COLUMNS.keys() == computed.keys()


def test_client_groups_hold_whom_plain_loops_over_each_client_put_there() -> None:
    found = [each for seed in range(CROWDS) for each in harness.against_groups(crowd_log(seed))]
    assert not found, listed(found)


@pytest.mark.parametrize("seed", range(40))
def test_the_weighted_silhouette_is_that_of_the_rows_written_out(seed: int) -> None:
    points, weights, labels = random_weighted_groups(seed)
    score = weighted_silhouette(cdist(points, points), labels, weights)
    assert score == pytest.approx(expanded_silhouette(points, weights, labels), abs=1e-9)


def test_lone_rows_among_the_random_groups_are_not_rare() -> None:
    lone = [
        np.any(np.bincount(labels, weights) == 1)
        for _, weights, labels in map(random_weighted_groups, range(40))
    ]
    assert sum(lone) >= 5


@pytest.mark.skipif(
    not harness.has_clickhouse(),
    reason="chdb is not installed: `make witnesses` asks ClickHouse, user by user",
)
def test_clickhouse_agrees_on_every_depth_of_random_journeys() -> None:
    found = harness.against_clickhouse([random_log(seed) for seed in range(LOGS)])
    assert not found, listed(found)
