import json
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from sales_assets.core import journey, names
from sales_assets.core.report.report import METRICS
from sales_assets.core.source_findings import FITS
from sales_assets.defs.checks import BAD_ROWS, FRESHNESS, RAW_CHECKS, STRUCTURE
from sales_assets_tests.defs.world import FIRST, FRAME_ASSETS, Product, failures, span
from sales_assets_tests.sources import execute, fill

DAYS = span(FIRST, FIRST + timedelta(days=2))
GOOD_DAY, BAD_DAY, NEXT_DAY = DAYS
GOOD = [
    ("u1", journey.REQUEST_CREATED, 10),
    ("u2", journey.REQUEST_CREATED, 11),
    ("u2", journey.FIRST_LINE_TASK, 12),
]


def fill_days(source: str, *days: date, bad: date | None = None) -> None:
    for day in days:
        fill(source, [(user, kind, f"{day} {hour}:00") for user, kind, hour in GOOD])
    if bad is not None:
        fill(source, [(None, journey.REQUEST_CREATED, f"{bad} 1{n}:00") for n in range(5)])


def logged(
    product: Product, result: dg.ExecuteInProcessResult, check: str
) -> list[dg.AssetCheckEvaluation]:
    """The evaluations that the run's log has, with their partition."""
    entries = product.instance.all_logs(
        result.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    )
    found = [entry.get_dagster_event().asset_check_evaluation_data for entry in entries]
    return [one for one in found if one.check_name == check]


def evaluations(result: dg.ExecuteInProcessResult, check: str) -> list[dg.AssetCheckEvaluation]:
    return [one for one in result.get_asset_check_evaluations() if one.check_name == check]


def test_on_sound_days_every_check_passes(computed: Product) -> None:
    keys = computed.definitions.resolve_asset_graph().asset_check_keys
    # The delivery has its own, and looks whether the report was there in time.
    of_delivery = {key for key in keys if key.asset_key.to_user_string() == names.REPORT_DELIVERY}
    daily = keys - of_delivery - {FRESHNESS}
    assert {key.name for key in daily} == {
        *(spec.name for spec in RAW_CHECKS),
        "clean_promises",
        "groups_sum_to_funnel",
        "as_many_as_in_progress",
    }
    summary = computed.instance.event_log_storage.get_latest_asset_check_execution_by_key(
        list(daily)
    )
    not_passed = {key.name for key, record in summary.items() if record.status.value != "SUCCEEDED"}
    assert set(summary) == daily
    assert not not_passed


def test_a_bad_day_is_refused_before_a_frame_is_written(young: Product, source: str) -> None:
    fill_days(source, BAD_DAY, bad=BAD_DAY)
    result = young.run(BAD_DAY)
    assert not result.success
    (found,) = logged(young, result, BAD_ROWS)
    assert not found.passed
    assert found.partition == str(BAD_DAY)
    assert found.metadata["rows_without_user"].value == 5
    assert "sample" in found.metadata
    for asset in (*FRAME_ASSETS, names.DAILY_REPORT):
        assert young.files([BAD_DAY], asset) == {}
        assert BAD_DAY not in young.materialized(asset)


def test_a_bad_day_within_a_range_is_named_and_the_others_are_green(
    young: Product, source: str
) -> None:
    days = span(FIRST, FIRST + timedelta(days=9))
    fill_days(source, *days, bad=BAD_DAY)
    result = young.run(days[0], days[-1])
    assert not result.success
    (told,) = failures(result).values()
    assert str(BAD_DAY) in told
    assert BAD_ROWS in told
    assert str(GOOD_DAY) not in told
    assert {one.partition for one in logged(young, result, BAD_ROWS)} == {str(BAD_DAY)}
    others = set(days) - {BAD_DAY}
    # The rows and the values of the bad day stay in the lookback of the days after it.
    assert young.materialized(names.RAW_EVENTS) == set(days)
    assert young.materialized(names.DAILY_VALUES) >= others
    for asset in {*METRICS, names.DAILY_REPORT} - {names.DAILY_VALUES}:
        assert young.materialized(asset) == others, asset
        assert {name.rsplit("/", 1)[1][:10] for name in young.files(days, asset)} == {
            str(day) for day in others
        }


def test_the_good_days_of_such_a_range_are_the_same_files_as_without_the_bad_one(
    young: Product, source: str, tmp_path: Path
) -> None:
    fill_days(source, *DAYS, bad=NEXT_DAY)
    young.run(DAYS[0], DAYS[-1])
    (tmp_path / "alone").mkdir()
    alone = Product.at(tmp_path / "alone")
    alone.run(DAYS[0], DAYS[-2])
    assert young.files(DAYS[:-1]) == alone.files(DAYS[:-1])


def test_a_metric_alone_of_a_blocked_day_is_refused_with_the_reason(
    young: Product, source: str
) -> None:
    fill_days(source, *DAYS, bad=BAD_DAY)
    for metric in (names.UNCLOSED_PROCESSES, names.DAILY_ACTIVITY, names.CLEAN_EVENTS):
        (told,) = failures(young.run(BAD_DAY, only=[metric])).values()
        assert str(BAD_DAY) in told
        assert BAD_ROWS in told
        assert "SALES_ASSETS_BAD_ROWS_SHARE" in told
        assert young.files([BAD_DAY], metric) == {}


def test_the_day_after_a_blocked_day_is_computed_and_says_that_its_lookback_is_flawed(
    young: Product, source: str
) -> None:
    fill_days(source, *DAYS, bad=BAD_DAY)
    assert failures(young.run(NEXT_DAY)).get("raw_events") is None
    content = json.loads(young.store.path(names.DAILY_REPORT, NEXT_DAY, ".json").read_bytes())
    assert any(f"{BAD_DAY:%d.%m}" in note or str(BAD_DAY.day) in note for note in content["notes"])


def test_the_share_that_blocks_is_set_by_the_operator(source: str, tmp_path: Path) -> None:
    fill_days(source, BAD_DAY, bad=BAD_DAY)  # 5 of 8 rows
    assert failures(Product.at(tmp_path, bad_rows_share=0.7).run(BAD_DAY)) == {}


@pytest.mark.parametrize("range_of_days", [DAYS[:1], DAYS])
def test_an_empty_day_passes_and_says_that_it_is_empty(
    young: Product, range_of_days: list[date]
) -> None:
    result = young.run(range_of_days[0], *range_of_days[1:][-1:])
    assert failures(result) == {}
    for check in (STRUCTURE, BAD_ROWS):
        told = [str(one.description) for one in evaluations(result, check)]
        assert told
        assert all("empty" in text for text in told)


def test_of_a_long_range_the_first_failing_days_are_told_and_how_many_more(
    young: Product, source: str
) -> None:
    week = span(FIRST, FIRST + timedelta(days=4))
    fill_days(source, *week)
    fill(source, [("u1", 4242, f"{day} 12:30") for day in week])
    (found,) = [one for one in evaluations(young.run(*week), FITS) if one.partition is None]
    assert str(found.description).count("4242: 1 rows") == 3
    assert str(found.description).endswith("; and 2 days more")
    assert found.metadata["failing_days"].value == ", ".join(map(str, week))


def test_an_id_without_a_name_is_a_warning_with_its_count(young: Product, source: str) -> None:
    fill_days(source, *DAYS)
    fill(source, [("u1", 4242, f"{GOOD_DAY} 12:30")])
    result = young.run(GOOD_DAY)
    assert failures(result) == {}
    (found,) = evaluations(result, FITS)
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.WARN
    assert "4242: 1 rows" in str(found.metadata["sample"].value)
    assert "4242: 1 rows" in str(found.description)


def test_what_does_not_fit_is_told_by_its_kind_and_never_as_a_number_of_rows(
    young: Product, source: str
) -> None:
    fill_days(source, *DAYS)
    fill(source, [("u1", 4242, f"{GOOD_DAY} 12:30"), ("u2", 4242, f"{GOOD_DAY} 12:31")])
    (found,) = evaluations(young.run(GOOD_DAY), FITS)
    assert found.metadata["kinds"].value == "unknown_ids"
    assert "4242: 2 rows" in str(found.description)
    assert not any(name.startswith("rows_") for name in found.metadata)


def test_a_dictionary_that_lacks_a_type_of_the_metrics_is_a_warning_that_names_it(
    young: Product, source: str
) -> None:
    execute(source, "DELETE FROM events_dict WHERE _description = %s", [(journey.REQUEST_CREATED,)])
    result = young.run(GOOD_DAY)
    assert failures(result) == {}
    (found,) = evaluations(result, FITS)
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.WARN
    assert f"names no event {journey.REQUEST_CREATED!r}" in str(found.description)


def test_a_complete_dictionary_passes(young: Product, source: str) -> None:
    fill_days(source, GOOD_DAY)
    (found,) = evaluations(young.run(GOOD_DAY), FITS)
    assert found.passed
    assert found.description == "names, keys and times fit"
