import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest

from sales_assets.core.errors import SalesAssetsError
from sales_assets.demo import journeys
from sales_assets.demo.embedded_postgres import EmbeddedServer
from sales_assets.demo.journeys import DemoPlan
from sales_assets.demo.source import load_demo_source
from sales_assets_tests.sources import execute, query

FIRST = date(2026, 1, 1)
PLAN = DemoPlan(FIRST, date(2026, 1, 10), 30)
LATER = DemoPlan(FIRST, date(2026, 1, 12), 30)
ROWS = """
SELECT _user_id, event_id, happened_at, loaded_at FROM events
UNION ALL SELECT _user_id, 0, transaction_created_at, loaded_at FROM payments
ORDER BY 4, 1, 2, 3
"""


def rows_of(plan: DemoPlan) -> int:
    return sum(map(len, journeys.demo_rows(plan)))


@pytest.fixture
def url(embedded_server: EmbeddedServer, request: pytest.FixtureRequest) -> str:
    return embedded_server.ensure_database(request.node.name[:60])


def test_all_rows_arrive_in_the_tables_of_the_contract(url: str) -> None:
    assert load_demo_source(url, PLAN) == rows_of(PLAN)
    expected = pd.concat(journeys.demo_rows(PLAN))
    stored = pd.DataFrame(query(url, ROWS), columns=["user", "event_id", "time", "loaded_at"])
    assert len(stored) == len(expected)
    assert stored["user"].isna().sum() == expected["user_id"].isna().sum()
    assert stored["time"].isna().sum() == expected["happened_at"].isna().sum()
    assert set(stored["event_id"]) == set(expected["event_id"])
    assert len(query(url, "SELECT * FROM events_dict")) == len(journeys.DICTIONARY)


def test_a_later_day_is_the_same_extended_as_loaded_at_once(
    url: str, embedded_server: EmbeddedServer
) -> None:
    load_demo_source(url, PLAN)
    added = load_demo_source(url, LATER)
    assert added == rows_of(LATER) - rows_of(PLAN)
    at_once = embedded_server.ensure_database("at_once")
    load_demo_source(at_once, LATER)
    assert query(url, ROWS) == query(at_once, ROWS)


def test_what_was_planted_stays_where_it_was_told(
    url: str, embedded_server: EmbeddedServer
) -> None:
    told = DemoPlan(FIRST, date(2026, 2, 20), 10, hour=9, incidents_before=date(2026, 2, 20))
    load_demo_source(url, told)
    asked = DemoPlan(date(2026, 1, 4), date(2026, 2, 22), 10, incidents_before=date(2026, 2, 22))
    added = load_demo_source(url, asked)
    kept = replace(told, today=asked.today, hour=0)
    assert added == rows_of(kept) - rows_of(told)
    at_once = embedded_server.ensure_database("planted_at_once")
    load_demo_source(at_once, kept)
    assert query(url, ROWS) == query(at_once, ROWS)


def test_data_of_an_earlier_version_are_replaced(url: str) -> None:
    load_demo_source(url, PLAN)
    execute(url, "ALTER TABLE demo_source_state DROP COLUMN incidents_before")
    execute(url, "ALTER TABLE demo_source_state ALTER COLUMN known_until TYPE date")
    execute(url, "UPDATE demo_source_state SET recipe = 'another'")
    assert load_demo_source(url, PLAN) == rows_of(PLAN) == len(query(url, ROWS))


def test_loading_the_same_again_does_nothing(url: str) -> None:
    load_demo_source(url, PLAN)
    assert load_demo_source(url, PLAN) == 0


def test_an_earlier_day_or_another_size_replaces_the_data(url: str) -> None:
    load_demo_source(url, LATER)
    assert load_demo_source(url, PLAN) == rows_of(PLAN)
    larger = DemoPlan(FIRST, PLAN.today, 60)
    assert load_demo_source(url, larger) == rows_of(larger) == len(query(url, ROWS))


def test_real_tables_are_never_replaced(url: str) -> None:
    execute(url, "CREATE TABLE events (_user_id text)")
    with pytest.raises(SalesAssetsError, match="never replace real data"):
        load_demo_source(url, PLAN)
    assert query(url, "SELECT * FROM events") == []


def test_indexes_are_a_choice(url: str) -> None:
    indexes = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'"
    load_demo_source(url, PLAN, indexes=False)
    assert query(url, indexes) == [(0,)]
    load_demo_source(url, DemoPlan(FIRST, PLAN.today, 31))
    assert query(url, indexes) == [(4,)]


def test_a_kill_in_the_middle_leaves_what_was_there(url: str) -> None:
    load_demo_source(url, PLAN)
    before = query(url, ROWS)
    program = f"""
        import os, signal
        from datetime import date
        from sales_assets.demo import source as demo_source
        from sales_assets.demo import journeys
        rows = journeys.demo_rows
        def rows_and_death(plan):
            yield from rows(plan, days_per_chunk=1)
            print("loaded", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        journeys.demo_rows = rows_and_death
        plan = journeys.DemoPlan(date(2026, 1, 1), date(2026, 1, 20), 90)
        demo_source.load_demo_source({url!r}, plan)
    """
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert killed.stdout == "loaded\n"
    assert query(url, ROWS) == before
    assert load_demo_source(url, LATER) == rows_of(LATER) - rows_of(PLAN)


def test_the_demo_reaches_to_the_end_of_yesterday(url: str) -> None:
    load_demo_source(url, PLAN)
    [(latest,)] = query(url, "SELECT max(happened_at) FROM events")
    assert latest.date() == PLAN.today - timedelta(days=1)
