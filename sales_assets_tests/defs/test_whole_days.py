from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from sales_assets.adapters.files.archive import Archive
from sales_assets.adapters.files.day_records import JSON, RECORD
from sales_assets.adapters.files.reports import read_report
from sales_assets.core import names
from sales_assets.core.report.receipt import figures
from sales_assets.defs.checks import COMPLETENESS, SHRUNKEN
from sales_assets.defs.jobs import ACCEPT_LOSS_TAG, AS_IT_IS_TAG, REREAD_TAG
from sales_assets_tests.base_source import ZONES, delete_rows, fill_base, yesterday
from sales_assets_tests.conftest import BaseStorage, SourceDatabase
from sales_assets_tests.defs.test_checks import logged
from sales_assets_tests.defs.world import FRAME_ASSETS, Product, failures
from sales_assets_tests.sources import execute

DAY = yesterday()
BEFORE, NEXT = DAY - timedelta(days=1), DAY + timedelta(days=1)


@pytest.fixture
def url(source_database: SourceDatabase, monkeypatch: pytest.MonkeyPatch) -> str:
    url = source_database()
    fill_base(url, DAY)
    monkeypatch.setenv("SALES_ASSETS_SOURCE_URL", url)
    return url


@pytest.fixture
def product(url: str, tmp_path: Path, base_storage: BaseStorage) -> Callable[..., Product]:
    """A product whose last call is yet to come, with all days but the newest in its storage."""
    base_storage(url, tmp_path / "storage")

    def make(last_call: time = time(23, 59), **changes: Any) -> Product:
        first = DAY - timedelta(days=83)
        return Product.at(tmp_path, first, last_call=last_call, **ZONES, **changes)

    return make


def test_a_whole_day_shows_its_check_with_its_partition_and_numbers(
    product: Callable[..., Product],
) -> None:
    day = product()
    result = day.run(DAY)
    assert failures(result) == {}
    found = [one for one in logged(day, result, COMPLETENESS) if one.partition]
    assert [one.partition for one in found] == [str(DAY)]
    assert found[0].passed
    assert found[0].metadata["state"].value == "complete"
    assert {"ends_at", "certain_until", "surprise", "missing", "resumes_at"} <= set(
        found[0].metadata
    )


def test_an_empty_day_is_refused_and_nothing_of_it_is_stored(
    product: Callable[..., Product], url: str
) -> None:
    delete_rows(url, str(DAY), str(NEXT))
    day = product()
    result = day.run(DAY)
    (told,) = failures(result).values()
    assert f"{DAY} ({COMPLETENESS}): the source has no row" in told
    (found,) = logged(day, result, COMPLETENESS)
    assert (found.partition, found.passed) == (str(DAY), False)
    assert found.metadata["state"].value == "empty"
    for asset in (*FRAME_ASSETS, names.DAILY_REPORT):
        assert DAY not in day.materialized(asset)
        assert day.files([DAY], asset) == {}


def test_after_the_last_call_or_with_the_tag_it_is_reported_as_it_is(
    product: Callable[..., Product], url: str
) -> None:
    delete_rows(url, f"{DAY} 10:00", str(NEXT))
    assert product().run(DAY).success is False
    at_once, late = product(), product(last_call=time(0, 1), delivery_time=time())
    by_hand = product(), {AS_IT_IS_TAG: "True"}
    for day, tags in ((at_once, {AS_IT_IS_TAG: "true"}), by_hand, (late, {})):
        result = day.run(DAY, tags=tags)
        assert failures(result) == {}
        found = [one for one in logged(day, result, COMPLETENESS) if one.partition]
        assert [one.metadata["state"].value for one in found] == ["ends_early"]
        assert DAY in day.store.days(names.DAILY_REPORT, ".json")


def test_days_to_read_again_may_be_written_by_hand_and_what_is_no_day_is_told(
    product: Callable[..., Product],
) -> None:
    again = f"{BEFORE - timedelta(days=1)}, {BEFORE}"
    assert failures(product().run(DAY, tags={REREAD_TAG: again})) == {}
    (told,) = failures(product().run(DAY, tags={REREAD_TAG: "the day before"})).values()
    assert "The tag sales_assets/reread is 'the day before'; days like 2026-01-30" in told


def test_a_day_that_shrinks_keeps_what_is_stored_and_fails_its_check(
    product: Callable[..., Product], url: str
) -> None:
    day = product(last_call=time(0, 1), delivery_time=time())
    assert failures(day.run(DAY)) == {}
    stored = day.files([DAY])
    execute(url, "TRUNCATE events, payments")
    result = day.run(DAY)
    (told,) = failures(result).values()
    assert "--accept-loss" in told
    kept = {**day.files([DAY], *FRAME_ASSETS, names.DAILY_REPORT)}
    assert kept == {name: stored[name] for name in kept}
    assert [one.partition for one in logged(day, result, SHRUNKEN)] == [str(DAY)]
    assert len(day.store.read(names.RAW_EVENTS, DAY)) == 69
    assert failures(day.run(DAY, tags={ACCEPT_LOSS_TAG: "true"})) == {}
    assert len(day.store.read(names.RAW_EVENTS, DAY)) == 0


def test_a_day_on_which_a_part_could_not_be_known_is_no_measure_of_that_part(
    product: Callable[..., Product], url: str
) -> None:
    lost = "DELETE FROM events WHERE event_id = 10 AND happened_at >= %s AND happened_at < %s"
    execute(url, lost, [(str(BEFORE), str(DAY))])
    day = product(last_call=time(0, 1), delivery_time=time())
    assert failures(day.run(BEFORE, tags={ACCEPT_LOSS_TAG: "true"})) == {}
    assert failures(day.run(DAY)) == {}
    before, now = (read_report(day.store, one).content for one in (BEFORE, DAY))
    assert set(before["not_counted"]) == {"open_requests", "funnel"}
    assert now["not_counted"] == {}
    uncounted = {part: [str(BEFORE)] for part in ("open_requests", "funnel")}
    assert now["compared"]["uncounted_days"] == uncounted
    assert any("в сравнение не вошли" in note for note in now["notes"])
    day.store.path(RECORD, BEFORE - timedelta(days=3), JSON).unlink()
    assert failures(day.run(DAY, only=[names.DAILY_REPORT])) == {}
    archive = Archive(day.store, day.settings.report_zone, None)
    assert [one for one in figures(archive.receipt(DAY)) if not one.is_equal] == []
