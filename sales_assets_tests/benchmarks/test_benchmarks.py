"""That the rival is right, the sources hold what they say, and the table says what was found."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings

from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.journey import PURCHASE
from sales_assets.old_bot.rules import Step
from sales_assets_tests.benchmarks import old_bot, sources, table
from sales_assets_tests.benchmarks.processes import Measured, measured
from sales_assets_tests.benchmarks.recipe import TODAY, Recipe
from sales_assets_tests.benchmarks.table import Figure
from sales_assets_tests.core.metrics.strategies import MOSCOW, Row, journeys
from sales_assets_tests.core.metrics.test_processes import WORKED_EXAMPLE
from sales_assets_tests.old_bot.test_rules import DAY, compared
from sales_assets_tests.sources import DICTIONARY


def by_the_old_bot(rows: Sequence[Row]) -> old_bot.Metrics:
    """Give the rows to the rival as the source's tables, on the source's clock."""
    frame = pd.DataFrame(
        [(user, kind, at.astimezone(MOSCOW).replace(tzinfo=None)) for user, kind, at in rows],
        columns=["user_id", "name", "time"],
    ).astype({"time": "datetime64[us]", "user_id": "str"})
    dictionary = pd.DataFrame({"event_id": DICTIONARY.values(), "name": DICTIONARY.keys()})
    is_payment = frame["name"] == PURCHASE
    events = frame[~is_payment].assign(event_id=lambda one: one["name"].map(DICTIONARY))
    payments = frame.loc[is_payment, ["user_id", "time"]]
    return old_bot.metrics(events.drop(columns="name"), dictionary, payments, DAY)


def assert_is_as_recomputed(rows: Sequence[Row]) -> None:
    found, ours = by_the_old_bot(rows), compared(rows)
    assert dict(found.unclosed) == {one.name: one.after[Step.OLD] for one in ours.processes}
    assert found.new_paying == ours.paying.after[Step.OLD]
    assert dict(found.funnel) == dict(ours.funnel[["step", "old_users"]].to_numpy())


def test_the_rival_s_numbers_are_those_that_compare_recomputes() -> None:
    assert_is_as_recomputed(WORKED_EXAMPLE)


@settings(max_examples=10, deadline=None)
@given(journeys(DAY + timedelta(days=3)))
def test_the_rival_s_numbers_of_any_log_are_those_that_compare_recomputes(rows: list[Row]) -> None:
    assert_is_as_recomputed(rows)


@pytest.fixture
def small_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Journeys of two weeks, for speed."""
    monkeypatch.setattr(sources, "FIRST_DAY", TODAY - timedelta(days=14))


@pytest.mark.usefixtures("small_block")
def test_copies_are_the_same_journeys_of_other_clients_in_order_of_time() -> None:
    one, three = sources.source_rows(Recipe(1)), sources.source_rows(Recipe(3))
    assert three["user"].nunique() == 3 * (one["user"].nunique() - 1) + 1
    assert three["time"].dropna().is_monotonic_increasing
    assert len(three) > 2.9 * len(one)
    shuffled = sources.source_rows(Recipe(3, shuffled=True))
    assert not shuffled["time"].dropna().is_monotonic_increasing
    pd.testing.assert_frame_equal(shuffled.sort_index(), three.sort_index())


@pytest.mark.usefixtures("small_block")
def test_a_longer_history_has_as_many_rows_in_the_days_of_the_reports() -> None:
    usual, longer = sources.source_rows(Recipe(1)), sources.source_rows(Recipe(1, longer=4))
    first = pd.Timestamp(Recipe(1).first_day)
    assert (longer["time"] >= first).sum() == (usual["time"] >= first).sum()
    assert len(longer) == pytest.approx(4 * len(usual), rel=0.01)


def test_a_process_is_measured_with_those_that_it_waits_for(tmp_path: Path) -> None:
    child = "sum(range(3_000_000)); print(len(bytes(200_000_000)))"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    took = measured([sys.executable, "-c", parent], tmp_path, {})
    assert took.output == "200000000\n"
    assert took.peak_mb > 190
    assert took.cpu > 0.02


def test_what_a_failed_process_said_is_told(tmp_path: Path) -> None:
    with pytest.raises(SalesAssetsError, match="no such day"):
        measured([sys.executable, "-c", "raise SystemExit('no such day')"], tmp_path, {})


def test_a_goal_is_judged_by_the_median_beside_what_it_is_measured_against() -> None:
    faster = Figure("a day", [9, 1, 1], goal=1 / 2, beside=[2, 2, 3], rival="old bot")
    assert faster.is_met
    assert faster.cells == (
        "a day",
        "1 s (1–9)",
        "old bot 2 s (2–3)",
        "0.5",
        "≤ 0.5 ×",
        "met",
    )
    assert Figure("memory", [701], goal=700, unit="MB").is_met is False
    assert Figure("looked at", [5]).is_met is None


def test_the_page_has_the_goals_the_processes_and_the_machine_without_its_name() -> None:
    figures = [Figure("a day", [3], 8), Figure("memory", [9], 8, unit="MB")]
    text = table.page(figures, {"old bot": [Measured(2, 1, 300, "")]}, table.machine("18"))
    assert "| a day | 3 s |  |  | ≤ 8 s | met |" in text
    assert "| memory | 9 MB |  |  | ≤ 8 MB | MISSED |" in text
    assert "| old bot | 1 | 2 | 1 | 300 |" in text
    assert "Postgres 18" in text
