"""The report as a value, as it is stored, and what a correction changed."""

import json
import re
from copy import deepcopy
from datetime import date
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

from sales_assets.core import journey
from sales_assets.core.report.part import ReportInputs
from sales_assets.core.report.report import (
    build_report,
    headline_numbers,
    json_bytes,
    report_json,
)
from sales_assets.core.report.wording import number, percent
from sales_assets.core.windows import COHORT
from sales_assets_tests.core.report import report_days as days

DAYS = days.named_days()
every_day = pytest.mark.parametrize("name", DAYS)


def parsed(caption: str) -> str:
    """The text that is left of a caption when Telegram has parsed it."""
    texts: list[str] = []
    parser = HTMLParser()
    parser.handle_data = texts.append  # type: ignore[method-assign]
    parser.feed(caption)
    parser.close()
    return "".join(texts)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@every_day
def test_a_caption_fits_telegram_and_is_a_verdict_and_six_lines(name: str) -> None:
    report = build_report(DAYS[name])
    first, *lines = parsed(report.caption_html).split("\n")
    assert first == report.verdict.text
    assert len(first) < 60
    assert len(lines) <= 6
    assert all(lines)
    assert len(parsed(report.caption_html)) <= 1024


def test_the_longest_caption_fits_telegram_too() -> None:
    inputs = days.changed(
        days.enormous(),
        day=date(2022, 9, 25),
        history_first_day=date(2022, 8, 28),
        flawed_days=tuple(date(2022, 9, each) for each in range(1, 20)),
        funnel=None,
        clients=None,
        unclosed=days.unclosed(dict.fromkeys(days.PROCESS_NAMES, (98_765, 98_765))),
        unclosed_before=days.unclosed_before(
            days.enormous().about.day,
            dict.fromkeys(days.PROCESS_NAMES, (11_111, 11_112, 11_113, 11_111)),
        ),
    )
    report = build_report(inputs)
    assert len(parsed(report.caption_html)) <= 1024
    assert len(report.caption_html.split("\n")) <= 7


@every_day
def test_every_number_in_the_caption_is_among_the_stored_ones(name: str) -> None:
    inputs = DAYS[name]
    report = build_report(inputs)
    stored = set(_written_numbers(report.numbers)) | _calendar_numbers(inputs)
    said = re.findall(r"\d[\d\u00a0]*(?:,\d)?", parsed(report.caption_html))
    fixed = {"24", "1", "2", "7", "60"}  # 24 h, 1st and 2nd line, 7 days: words, not numbers
    assert {number.strip("\u00a0") for number in said} - fixed <= stored


def _written_numbers(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [each for child in value.values() for each in _written_numbers(child)]
    if isinstance(value, list):
        return [each for child in value for each in _written_numbers(child)]
    if isinstance(value, (int, float)):
        shares = [percent(value).split("\u00a0")[0]] if 0 <= value <= 1 else []
        return [number(value), *shares]
    return []


def _calendar_numbers(inputs: ReportInputs) -> set[str]:
    about = inputs.about
    first_compared = about.history_first_day + pd.Timedelta(days=29)
    old_enough = about.history_first_day + pd.Timedelta(days=60)
    named = [about.day, about.history_first_day, *COHORT.days(about.day), *about.flawed_days]
    named += [first_compared, old_enough]
    return {str(day.day) for day in named} | {str(about.day.year)}


@every_day
def test_building_a_report_leaves_its_inputs_unchanged_and_repeats_itself(name: str) -> None:
    inputs = DAYS[name]
    before = deepcopy(inputs)
    first, second = build_report(inputs), build_report(inputs)
    assert first == second
    for frames, kept in ((inputs.frames, before.frames), (inputs.before, before.before)):
        for name_of_frame, frame in frames.items():
            pd.testing.assert_frame_equal(frame, kept[name_of_frame])


@every_day
def test_the_order_of_rows_does_not_matter(name: str) -> None:
    inputs = DAYS[name]
    turned = ReportInputs(
        about=inputs.about,
        frames={key: frame.iloc[::-1] for key, frame in inputs.frames.items()},
        before={key: frame.iloc[::-1] for key, frame in inputs.before.items()},
        quality=inputs.quality,
    )
    assert build_report(turned) == build_report(inputs)


@every_day
def test_a_stored_report_is_plain_json_and_the_same_bytes_each_time(name: str) -> None:
    stored = report_json(build_report(DAYS[name]), "0" * 64)
    again = report_json(build_report(DAYS[name]), "0" * 64)
    assert json_bytes(stored) == json_bytes(again)
    assert json.loads(json_bytes(stored)) == stored


def test_a_stored_report_holds_what_was_said_and_shown() -> None:
    stored = report_json(build_report(days.alarming()), "ab" * 32)
    assert plain(stored["verdict"]) == "23 заявки не обработаны за сутки, обычно 11"
    assert stored["caption"].startswith("<b>23")
    assert stored["cohort"] == {"first": "2022-01-30", "last": "2022-02-05"}
    assert stored["numbers"]["unclosed_processes"][journey.OPEN_REQUESTS]["usual"] == 11
    assert stored["sha256"] == "ab" * 32


def test_data_are_escaped_in_the_caption() -> None:
    before = pd.concat([days.funnel_before(days.SATURDAY, 40_000, (0.44, 0.3, 0.215, 0.07))])
    tiny = {"дозвонились": (40_000, 30_000, 20_000, 17_600, 12_000, 8_600, 3)}
    inputs = days.changed(days.ordinary(), funnel=days.funnel(tiny), funnel_before=before)
    caption = build_report(inputs).caption_html
    assert "&lt;0,1\u00a0%" in caption
    assert unescape(caption) != caption


def test_the_headlines_of_a_stored_report_are_what_a_correction_compares() -> None:
    stored = json.loads(json.dumps(build_report(days.corrected()).numbers))
    headlines = {name: plain(value) for name, value in headline_numbers(stored).items()}
    assert headlines["новые платящие"] == "15"
    assert headlines["открытые заявки"] == "21 из 32"


def test_a_part_that_is_missing_has_no_headline() -> None:
    assert "новые платящие" not in headline_numbers(build_report(days.late_part()).numbers)
