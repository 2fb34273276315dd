"""The receipt's sheet of what is usual, and the sums of what a story is made of."""

import json
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest

from sales_assets.core import journey, names
from sales_assets.core.metrics.values import APPOINTED, PAID
from sales_assets.core.report.inputs import ReportInputs
from sales_assets.core.report.parts.processes import split_sums
from sales_assets.core.report.receipt import figures, usual_sheet
from sales_assets.core.report.report import about_of, build_report, json_bytes, report_json
from sales_assets.core.report.sheet import Sheet
from sales_assets.core.report.usual import SERIES_NAMES
from sales_assets.core.windows import CONVERSION
from sales_assets_tests.core.report.report_days import SECOND_LINE, changed, named_days

DAYS = named_days()
TOLD = ("window_value", "window_usual", "low", "high", "training_days")


@cache
def numbers_of(name: str) -> dict[str, Any]:
    return build_report(DAYS[name]).numbers


def sheet_of(name: str) -> Sheet:
    [sheet] = usual_sheet(DAYS[name], numbers_of(name))
    return sheet


@pytest.mark.parametrize("name", DAYS)
def test_what_is_usual_adds_up_on_every_day_to_what_the_report_says(name: str) -> None:
    numbers = numbers_of(name)
    judged = [told for told in map(numbers.get, SERIES_NAMES) if told and told["low"] is not None]
    found = figures(usual_sheet(DAYS[name], numbers))
    assert [one for one in found if not one.is_equal] == []
    shown = sorted(told[key] for told in judged for key in TOLD)
    assert sorted(one.shown for one in found if one.shown is not None) == shown


def test_news_of_a_week_is_the_sum_of_its_days() -> None:
    sheet = sheet_of("week")
    rows = sheet.rows[sheet.rows["name"] == journey.SECOND_LINE]
    compared = rows[rows["compared"].notna()]
    assert (len(compared), compared["compared"].sum()) == (7, 46)
    assert compared["usual"].sum() == pytest.approx(29, abs=0.5)
    assert compared["learned"].sum() == 0
    [total] = [one for one in sheet.sums if one.label.startswith(journey.SECOND_LINE)]
    assert total.label == "Вторая линия, за 7\xa0дней"
    assert total.counted["compared"] == 46


def test_a_spoiled_day_is_not_learned_from() -> None:
    spoiled = DAYS["late_part"].about.spoiled_days
    rows = sheet_of("late_part").rows
    assert not rows["day"].dt.date.isin(spoiled).where(rows["learned"] == 1, other=False).any()


def test_what_a_stored_report_was_compared_with_is_what_its_receipt_lists() -> None:
    day = DAYS["ordinary"].about.day
    lost = {"new_paying": frozenset({day - timedelta(days=8)})}
    told = {"uncounted_days": lost, "not_counted": {SECOND_LINE: "в словаре нет «Дозвон 2Л»"}}
    inputs = changed(DAYS["ordinary"], **told, history_first_day=date(2021, 6, 1))
    stored = json.loads(json_bytes(report_json(build_report(inputs), "")))
    about = about_of(stored, day, inputs.about.zone)
    assert (about.uncounted_days, about.not_counted) == (lost, told["not_counted"])
    [sheet] = usual_sheet(replace(inputs, about=about), stored["numbers"])
    assert [one for one in figures([sheet]) if not one.is_equal] == []


def test_the_funnel_is_listed_by_the_day_of_entry() -> None:
    sheet, day = sheet_of("fallen_funnel"), DAYS["fallen_funnel"].about.day
    for series in (APPOINTED, PAID):
        rows = sheet.rows[sheet.rows["name"] == SERIES_NAMES[series]]
        assert rows["day"].max().date() == day - CONVERSION


def test_an_ordinary_day_more_flow_and_handling_add_up_to_the_number() -> None:
    inputs, numbers = DAYS["handling"], numbers_of("handling")
    told = numbers[names.UNCLOSED_PROCESSES][journey.OPEN_REQUESTS]
    now = {"breached": told["breached"], "due": told["due"]}
    sums = list(split_sums(journey.OPEN_REQUESTS, now, numbers, inputs))
    assert [one.label for one in sums] == [
        "В обычную среду",
        "Добавил поток",
        "Добавила обработка",
    ]
    assert [one.counted for one in sums] == [one.shown for one in sums]
    assert sum(one.counted["breached"] for one in sums) == told["breached"]


@pytest.mark.parametrize("name", ["ordinary", "week"])
def test_no_sum_is_split_where_the_report_splits_none(name: str) -> None:
    now = {"breached": 4, "due": 11}
    assert list(split_sums(journey.SECOND_LINE, now, numbers_of(name), DAYS[name])) == []


def test_a_report_of_an_older_version_has_no_sheet_of_what_is_usual() -> None:
    inputs: ReportInputs = DAYS["ordinary"]
    numbers = numbers_of("ordinary")
    older = {
        name: {key: value for key, value in told.items() if key != "training_days"}
        for name, told in numbers.items()
        if name in {SECOND_LINE, APPOINTED}
    }
    assert usual_sheet(inputs, older) == ()
