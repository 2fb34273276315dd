import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from sales_assets.adapters.history import FilledDay
from sales_assets.defs.filled import log_filled

DAYS = dg.DailyPartitionsDefinition("2022-01-01", end_date="2022-03-01")
FIRST, LAST = "2022-01-10", "2022-01-19"


@dg.asset(partitions_def=DAYS, check_specs=[dg.AssetCheckSpec("fine", asset="first")])
def first() -> Iterator[dg.MaterializeResult]:
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


@dg.asset(partitions_def=DAYS, deps=[first], tags={"of": "second"})
def second() -> None: ...


FILLED = [date(2022, 1, 1) + timedelta(days=n) for n in range(9)]


@dg.asset(partitions_def=DAYS)
def filling(context: dg.AssetExecutionContext) -> None:
    of_both = [(asset, day) for asset in ("first", "second") for day in FILLED]
    log_filled(context, [FilledDay(asset, day, {"rows": 7}) for asset, day in of_both])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "7")
    return tmp_path


def shipped_configuration(home: Path) -> None:
    with as_file(files("sales_assets.defs") / "dagster.yaml") as template:
        shutil.copyfile(template, home / "dagster.yaml")


def run_range(instance: dg.DagsterInstance) -> str:
    job = dg.Definitions([first, second], jobs=[dg.define_asset_job("both")]).resolve_job_def(
        "both"
    )
    tags = {
        "dagster/asset_partition_range_start": FIRST,
        "dagster/asset_partition_range_end": LAST,
    }
    return job.execute_in_process(instance=instance, tags=tags).run_id


def known_of(instance: dg.DagsterInstance, run_id: str) -> dict[str, object]:
    """Return what Dagster and its UI ask the event log about."""
    assets = [dg.AssetKey(name) for name in ("first", "second")]
    logs = instance.all_logs(run_id)
    return {
        "types": Counter(entry.dagster_event_type for entry in logs),
        "partitions": [sorted(instance.get_materialized_partitions(key)) for key in assets],
        "latest": [
            event.asset_materialization.partition
            for key in assets
            if (event := instance.get_latest_materialization_event(key))
            and event.asset_materialization
        ],
        "records": [
            [record.partition_key for record in instance.fetch_materializations(key, 99).records]
            for key in assets
        ],
        "planned": [
            instance.get_latest_planned_materialization_info(key, LAST) is not None
            for key in assets
        ],
        "assets": sorted(key.to_user_string() for key in instance.all_asset_keys()),
    }


def test_a_range_is_known_as_the_stock_storage_knows_it(home: Path) -> None:
    (home / "stock").mkdir()
    with dg.DagsterInstance.local_temp(str(home / "stock")) as stock:
        expected = known_of(stock, run_range(stock))
    shipped_configuration(home)
    with dg.DagsterInstance.get() as instance:
        assert type(instance.event_log_storage).__name__ == "BatchedSqliteEventLog"
        assert known_of(instance, run_range(instance)) == expected


def test_the_stock_storage_goes_on_with_the_same_files(home: Path) -> None:
    shipped_configuration(home)
    with dg.DagsterInstance.get() as instance:
        run_id = run_range(instance)
        written = known_of(instance, run_id)
    (home / "dagster.yaml").unlink()
    (home / "dagster.yaml").touch()
    with dg.DagsterInstance.get() as stock:
        assert known_of(stock, run_id) == written


def open_files(home: Path) -> set[str]:
    """Return which databases of events this process holds open."""
    links = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return {str(path) for path in links if path.is_relative_to(home) and path.suffix == ".db"}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at open files by /proc")
def test_the_files_of_the_last_run_stay_open_and_no_others(home: Path) -> None:
    shipped_configuration(home)
    with dg.DagsterInstance.get() as instance:
        run_ids = [run_range(instance) for _ in range(3)]
        runs = home / "history" / "runs"
        assert open_files(runs) == {str(runs / f"{name}.db") for name in ("index", run_ids[-1])}
    assert open_files(runs) == set()


def test_after_a_wipe_runs_are_stored_anew(home: Path) -> None:
    shipped_configuration(home)
    with dg.DagsterInstance.get() as instance:
        run_range(instance)
        instance.wipe()
        again = run_range(instance)
        assert known_of(instance, again)["partitions"] != [[], []]
    with dg.DagsterInstance.get() as reopened:
        assert reopened.all_logs(again)


def test_the_stock_storage_takes_batches_apart_or_ours_can_go(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "stock").mkdir()
    with dg.DagsterInstance.local_temp(str(home / "stock")) as stock:
        storage, one_by_one = type(stock.event_log_storage), []
        store_event = storage.store_event

        def seen(self: Any, event: dg.EventLogEntry) -> None:
            one_by_one.append(event.dagster_event_type)
            store_event(self, event)

        monkeypatch.setattr(storage, "store_event", seen)
        run_range(stock)
    # Ten days of two assets. Fewer: drop defs/event_storage.py, and its module in dagster.yaml.
    assert Counter(one_by_one)[dg.DagsterEventType.ASSET_MATERIALIZATION] == 20


def test_a_batch_is_not_taken_apart(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shipped_configuration(home)
    with dg.DagsterInstance.get() as instance:
        run_range(instance)
    # What Dagster says when a batch fails and it stores the events one by one.
    assert "Falling back" not in capsys.readouterr().err


def test_days_filled_on_the_way_show_as_materialized_and_are_stored_by_the_batch(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped_configuration(home)
    job = dg.Definitions(
        [first, second, filling], jobs=[dg.define_asset_job("fill", [filling])]
    ).resolve_job_def("fill")
    with dg.DagsterInstance.get() as instance:
        run_id = job.execute_in_process(instance=instance, partition_key=LAST).run_id
        known = known_of(instance, run_id)
        assert known["partitions"] == [[str(day) for day in FILLED]] * 2
        assert known["latest"] == [str(FILLED[-1])] * 2
        records = instance.fetch_materializations(dg.AssetKey("first"), 99).records
        shown = [record.asset_materialization for record in records]
        assert [one.metadata["filled_for"].value for one in shown if one] == [run_id] * len(FILLED)
        assert [one.metadata["dagster/row_count"].value for one in shown if one] == [7] * 9
        # One of a batch stands beside its neighbours: nothing was written between them.
        places = sorted(record.storage_id for record in records)
        assert places == list(range(places[0], places[0] + len(FILLED)))
    assert "Falling back" not in capsys.readouterr().err
