"""What docs/metrics.md says, checked: its worked examples are read from the page."""

import re
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from sales_assets.core import journey
from sales_assets.core.journey import ALL_GROUPS, EVENT_TYPES, PROCESSES
from sales_assets.core.metrics.activity import population
from sales_assets.core.metrics.event_log import EventLog
from sales_assets.core.metrics.funnel import conversion_funnel
from sales_assets.core.metrics.payments import new_paying_users
from sales_assets_tests.core.metrics.strategies import (
    Row,
    at,
    history_frame,
    report_days,
    stored,
    unclosed,
)

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
WORDS = {
    "request": journey.REQUEST_CREATED,
    "task": journey.FIRST_LINE_TASK,
    "answer": journey.FIRST_LINE_ANSWERED,
    "appointed": journey.LESSON_APPOINTED,
    "attended": journey.LESSON_ATTENDED,
    "succeeded": journey.LESSON_SUCCEEDED,
    "paid": journey.PURCHASE,
    "whatsapp": journey.WHATSAPP_SENT,
}
DAY = date(2022, 1, 30)
FIRST_DAY = DAY - timedelta(days=40)


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def example(asset: str) -> tuple[list[Row], pd.DataFrame]:
    """Return the rows of an asset's example and the table that follows it."""
    block, rest = page().split(f"```events {asset} {DAY}\n")[1].split("```", 1)
    rows: list[Row] = [
        (line.split()[0], WORDS[word], at(f"2022-{day} {time}"))
        for line in block.splitlines()
        for day, time, word in re.findall(r"(\d\d-\d\d) ([\d:]+) (\w+)", line)
    ]
    header, _, *lines = re.findall(r"^\|(.+)\|$", rest.split("\n\n")[1], re.MULTILINE)
    table = [[cell.strip() for cell in line.split("|")] for line in (header, *lines)]
    return rows, pd.DataFrame(table[1:], columns=table[0])


def log_of(rows: list[Row]) -> EventLog:
    return stored(rows, FIRST_DAY, DAY).log()


@pytest.mark.parametrize("asset", ["unclosed_processes", "new_paying_users"])
def test_the_counts_are_those_of_the_page(asset: str) -> None:
    rows, expected = example(asset)
    compute = {"unclosed_processes": unclosed, "new_paying_users": new_paying_users}
    frame = compute[asset](log_of(rows), report_days(DAY), FIRST_DAY)[DAY]
    if "process" in frame:
        frame = frame[frame["process"] == journey.FIRST_LINE]
    assert len(expected) == 1
    assert {name: int(frame[name].iloc[0]) for name in expected} == {
        name: int(expected[name].iloc[0]) for name in expected
    }


def test_the_funnel_s_steps_are_those_of_the_page() -> None:
    rows, expected = example("conversion_funnel")
    frame = conversion_funnel(log_of(rows), report_days(DAY))[DAY]
    of_all = frame[frame["group"] == ALL_GROUPS]
    for path, steps, users in expected.itertuples(index=False):
        of_path = of_all[of_all["path"] == path]
        assert [WORDS[word] for word in steps.split(", ")] == of_path["step"].tolist()
        assert [int(count) for count in users.split(", ")] == of_path["users"].tolist()


def test_the_bridge_to_the_crm_is_that_of_the_page() -> None:
    rows, _ = example("new_paying_users")
    moscow = report_days(DAY).zone
    found = population(history_frame(rows, DAY, moscow))
    said = f"{found.active} − {found.in_experiments} в экспериментах = "
    assert said + str(found.active - found.in_experiments) in page()


def test_the_page_names_every_process_and_event_as_the_code_has_them() -> None:
    text = page()
    for process in PROCESSES:
        assert f"| {process.name} | {process.start} |" in text
    named = {name for process in PROCESSES[1:] for name in (process.start, *process.ends)}
    assert [name for name in EVENT_TYPES if name in named and name not in text] == []


def test_the_page_says_which_module_computes_what() -> None:
    modules = re.findall(r"`(core/[\w/]+\.py)`", page())
    package = PAGE.parents[1] / "sales_assets"
    assert len(modules) > 5
    assert [name for name in modules if not (package / name).is_file()] == []
