import hashlib
import json
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from sales_assets.adapters.files.reports import read_report
from sales_assets.core import names
from sales_assets.core.frames import FRAMES
from sales_assets.core.metrics.values import SERIES
from sales_assets.core.windows import EVENT_DAYS
from sales_assets_tests.core.test_frames import require_described
from sales_assets_tests.defs.conftest import RANGE
from sales_assets_tests.defs.world import FIRST, FRAME_ASSETS, LAST, Product, failures, span
from sales_assets_tests.sources import fill, query

DAYS = span(*RANGE)


@pytest.mark.parametrize("asset", FRAME_ASSETS)
def test_a_day_is_a_parquet_file_with_exactly_the_described_columns_and_types(
    computed: Product, asset: str
) -> None:
    for day in DAYS:
        frame = pd.read_parquet(f"{computed.settings.storage}/{asset}/{day}.parquet")
        require_described(frame, FRAMES[asset])


@pytest.mark.parametrize("asset", [*FRAME_ASSETS, names.REPORT_DELIVERY])
def test_an_asset_says_what_it_is_and_which_columns_it_has(computed: Product, asset: str) -> None:
    spec = computed.definitions.resolve_asset_graph().get(dg.AssetKey(asset))
    assert spec.description
    assert len(spec.description) > 20
    assert spec.group_name in {"events", "metrics", "report"}
    assert spec.kinds
    assert spec.owners == ["team:analysts"]
    assert spec.code_version
    assert ("personal_data" in spec.tags) == ("user_id" in FRAMES[asset].names)
    schema = spec.metadata["dagster/column_schema"]
    assert [column.name for column in schema.columns] == FRAMES[asset].names
    assert all(column.description for column in schema.columns)


def test_an_asset_names_the_line_of_what_counts_it(computed: Product) -> None:
    graph = computed.definitions.resolve_asset_graph()
    for asset in (*FRAME_ASSETS, names.DAILY_REPORT, names.REPORT_DELIVERY):
        shown = graph.get(dg.AssetKey(asset)).metadata["dagster/code_references"]
        (at,) = shown.code_references
        lines = Path(at.file_path).read_text().splitlines()
        assert lines[at.line_number - 1].lstrip().startswith(("def ", "lambda "))


def test_columns_that_are_carried_over_name_where_they_come_from(computed: Product) -> None:
    graph = computed.definitions.resolve_asset_graph()
    lineage = {
        asset: {
            column: [(dep.asset_key.to_user_string(), dep.column_name) for dep in deps]
            for column, deps in shown.deps_by_column.items()
        }
        for asset in FRAME_ASSETS
        if (shown := graph.get(dg.AssetKey(asset)).metadata.get("dagster/column_lineage"))
    }
    assert lineage == {
        names.USER_HISTORY: {"user_id": [(names.RAW_EVENTS, "user_id")]},
        names.CLEAN_EVENTS: {
            column: [(names.RAW_EVENTS, column)]
            for column in ("user_id", "event_time", "event_type")
        },
        names.STUCK_CASES: {"user_id": [(names.CLEAN_EVENTS, "user_id")]},
        names.EXPIRING_CASES: {"user_id": [(names.CLEAN_EVENTS, "user_id")]},
        names.DAILY_ACTIVITY: {"event_type": [(names.CLEAN_EVENTS, "event_type")]},
    }


def test_a_run_of_a_range_is_named_by_its_days(computed: Product) -> None:
    (run,) = computed.instance.get_runs()
    assert run.tags["sales_assets/days"] == f"{DAYS[0]} to {DAYS[-1]}"


def test_the_daily_report_is_described_and_its_day_shows_its_picture(computed: Product) -> None:
    spec = computed.definitions.resolve_asset_graph().get(dg.AssetKey(names.DAILY_REPORT))
    assert spec.description
    assert spec.kinds == {"altair", "png"}
    shown = computed.metadata(names.DAILY_REPORT, LAST)
    assert shown["preview"].startswith("![report](data:image/png;base64,")
    assert shown["verdict"]
    plotted = [name for name, value in shown.items() if isinstance(value, int | float)]
    assert len(plotted) > 10


@pytest.mark.parametrize("series", SERIES)
def test_the_ui_plots_the_value_and_the_usual_range_of_each_judged_series(
    computed: Product, series: str
) -> None:
    value = f"{SERIES.index(series) + 1} {series}"
    for day in DAYS:
        judged = read_report(computed.store, day).content["numbers"][series]
        shown = computed.metadata(names.DAILY_REPORT, day)
        plots = {name: f"{series}/{name}" for name in ("low", "usual", "high")} | {"value": value}
        for name, plot in plots.items():
            # The types that Dagster draws over the partitions.
            assert type(shown[plot]) in {int, float}
            assert shown[plot] == judged[name]


def test_the_plots_begin_with_the_headlines_and_paths_are_absolute(computed: Product) -> None:
    shown = computed.metadata(names.DAILY_REPORT, LAST)
    # The UI sorts them by their names.
    plotted = sorted(name for name, value in shown.items() if isinstance(value, int | float))
    assert [name.split(" ")[-1] for name in plotted[: len(SERIES)]] == list(SERIES)
    assert max(map(len, plotted)) < 64
    assert Path(shown["picture"]).is_absolute()
    assert Path(shown["numbers"]).is_absolute()
    assert Path(computed.metadata(names.RAW_EVENTS, LAST)["path"]).is_absolute()


def test_the_first_partition_of_an_older_source_says_nothing_of_clients_who_look_new(
    young: Product, source: str
) -> None:
    fill(source, payments=[("u1", "2019-05-01 10:00"), ("u1", f"{FIRST} 10:00")])
    assert failures(young.run(FIRST)) == {}
    content = read_report(young.store, FIRST).content
    assert content["numbers"][names.NEW_PAYING_USERS]["new_paying"] == 0
    assert not [note for note in content["notes"] if "прежние клиенты" in note]
    # From 6 January 2025 on, with three days of the holidays to come.
    assert "Сравнение с обычным уровнем появится 23\u00a0января" in content["notes"]


@pytest.mark.parametrize("asset", FRAME_ASSETS)
def test_each_day_of_a_range_shows_its_own_numbers(computed: Product, asset: str) -> None:
    for day in DAYS:
        shown = computed.metadata(asset, day)
        assert shown["dagster/row_count"] == len(computed.store.read(asset, day))
        assert shown["path"].endswith(f"{asset}/{day}.parquet")


def test_the_key_numbers_of_a_day_are_those_of_its_frame(computed: Product) -> None:
    paying = computed.store.read(names.NEW_PAYING_USERS, LAST).iloc[0]
    shown = computed.metadata(names.NEW_PAYING_USERS, LAST)
    assert shown["new_paying"] == paying["new_paying"]
    unclosed = computed.store.read(names.UNCLOSED_PROCESSES, LAST)
    assert computed.metadata(names.UNCLOSED_PROCESSES, LAST)["due"] == unclosed["due"].sum()
    funnel = computed.store.read(names.CONVERSION_FUNNEL, LAST)
    entries = funnel.query("group == 'all' and path == 'main'")["users"].iloc[0]
    assert computed.metadata(names.CONVERSION_FUNNEL, LAST)["entries"] == entries


def test_the_report_is_a_picture_and_a_json_that_names_its_hash(computed: Product) -> None:
    for day in DAYS:
        picture = computed.store.path(names.DAILY_REPORT, day, ".png").read_bytes()
        content = json.loads(computed.store.path(names.DAILY_REPORT, day, ".json").read_bytes())
        assert picture.startswith(b"\x89PNG")
        assert content["sha256"] == hashlib.sha256(picture).hexdigest()
        assert {"caption", "verdict", "numbers", "notes"} <= set(content)


def test_raw_events_are_exactly_the_rows_of_the_source(computed: Product, demo_url: str) -> None:
    rows = query(
        demo_url,
        f"""
        SELECT _user_id, happened_at, _description FROM events
        LEFT JOIN events_dict ON id = event_id WHERE happened_at::date = '{LAST}'
        UNION ALL
        SELECT _user_id, transaction_created_at, 'Покупка' FROM payments
        WHERE transaction_created_at::date = '{LAST}'
        """,  # noqa: S608 - put together from constants
    )
    raw = computed.store.read(names.RAW_EVENTS, LAST)
    assert len(rows) > 50
    as_text = raw.astype("object").where(raw.notna(), None)
    assert sorted(map(str, as_text.itertuples(index=False, name=None))) == sorted(
        str((user, pd.Timestamp(time), kind_)) for user, time, kind_ in rows
    )


@pytest.mark.parametrize("asset", ["raw_events", "user_history", "clean_events"])
def test_the_lookback_is_filled_and_shown_and_ends_at_the_first_partition(
    computed: Product, asset: str
) -> None:
    filled = span(max(FIRST, DAYS[0] - timedelta(days=EVENT_DAYS - 1)), LAST)
    assert computed.store.days(asset) == set(filled)
    assert computed.materialized(asset) == set(filled)
    assert computed.metadata(asset, filled[0])["filled_for"]
    assert "filled_for" not in computed.metadata(asset, LAST)


def test_the_lookback_of_the_first_day_is_that_day_alone(product: Product) -> None:
    assert failures(product.run(FIRST)) == {}
    assert product.store.days(names.RAW_EVENTS) == {FIRST}
    assert product.store.days(names.DAILY_REPORT, ".png") == {FIRST}


@pytest.mark.parametrize(
    "asset", [names.UNCLOSED_PROCESSES, names.DAILY_ACTIVITY, names.CLEAN_EVENTS]
)
def test_any_asset_clicked_first_gives_the_same_bytes_as_the_whole_run(
    computed: Product, product: Product, asset: str
) -> None:
    result = product.run(LAST, only=[asset])
    assert result.success
    assert product.files([LAST], asset) == computed.files([LAST], asset)
    assert product.materialized(names.RAW_EVENTS)


def test_days_one_by_one_in_any_order_are_the_same_files_as_the_range(
    computed: Product, product: Product
) -> None:
    for day in (DAYS[1], DAYS[2], DAYS[0]):
        assert failures(product.run(day)) == {}
    range_files, daily_files = computed.files(DAYS), product.files(DAYS)
    assert set(range_files) == set(daily_files)
    # The report's two files, what was found in the source, and whether the day is whole.
    assert len(range_files) == len(DAYS) * (len(FRAME_ASSETS) + 4)
    different = [name for name in range_files if range_files[name] != daily_files[name]]
    assert different == []


def test_a_rerun_in_the_same_process_sees_rows_that_came_late(young: Product, source: str) -> None:
    from sales_assets_tests.sources import fill

    fill(source, [("u1", "Создание заявки", f"{FIRST} 10:00")])
    assert failures(young.run(FIRST)) == {}
    fill(source, [("u2", "Создание заявки", f"{FIRST} 11:00")])
    assert failures(young.run(FIRST)) == {}
    opened = young.store.read(names.UNCLOSED_PROCESSES, FIRST)["opened"]
    assert opened.max() == 2


def test_the_jobs_the_schedule_and_the_sensor_have_the_names_others_rely_on(
    computed: Product,
) -> None:
    repository = computed.definitions.get_repository_def()
    jobs = {job.name for job in repository.get_all_jobs() if not job.name.startswith("__")}
    assert jobs == {"daily_report_job", "report_delivery_job"}
    assert [one.name for one in repository.schedule_defs] == ["daily_report_schedule"]
    assert {one.name for one in repository.sensor_defs} == {
        "report_delivery_sensor",
        "partial_report_sensor",
        "source_readiness_sensor",
    }
    assert {key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()} == {
        *FRAME_ASSETS,
        "daily_report",
        "report_delivery",
    }
