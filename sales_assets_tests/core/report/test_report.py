"""The report as a value, as it is stored, and what a correction changed."""

import json
import re
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

from sales_assets.core import journey
from sales_assets.core.judgement.level import LEAST_TRAINING_DAYS
from sales_assets.core.report.inputs import ReportInputs
from sales_assets.core.report.report import (
    Report,
    build_report,
    headline_numbers,
    json_bytes,
    report_json,
)
from sales_assets.core.report.wording import number, percent
from sales_assets.core.windows import COHORT, CONVERSION, DAY
from sales_assets_tests.core.report import report_days as days

DAYS = days.named_days()
every_day = pytest.mark.parametrize("name", DAYS)


@cache
def report_of(name: str) -> Report:
    return build_report(DAYS[name])


def parsed(caption: str) -> str:
    """The text that is left of a caption when Telegram has parsed it."""
    texts: list[str] = []
    parser = HTMLParser()
    parser.handle_data = texts.append  # type: ignore[method-assign]
    parser.feed(caption)
    parser.close()
    return "".join(texts)


def shown(caption: str) -> list[str]:
    """The lines that are seen without unfolding the questions."""
    return parsed(caption.partition("\n<blockquote")[0]).split("\n")


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@every_day
def test_a_caption_fits_telegram_and_is_a_verdict_and_six_lines(name: str) -> None:
    report = report_of(name)
    first, *lines = shown(report.caption_html)
    assert first == report.verdict.text
    assert len(first) < 60
    assert len(lines) <= 6
    assert all(lines)
    assert len(parsed(report.caption_html)) <= 1024


def test_the_longest_caption_fits_telegram_too() -> None:
    day = days.enormous().about.day
    everything = days.lately(
        days.enormous(),
        open_requests=[(58_888, 58_888)],
        first_line=[(88_888, 88_888)],
        second_line=[(21_110, 21_110)],
        lesson_payment=[(18_002, 18_002)],
        requests=[(12_345, None)],
        appointed=[(1_234, 57_600)],
        paid=[(0, 1_234)],
    )
    inputs = days.changed(
        everything,
        history_first_day=day - timedelta(days=40),
        spoiled_days=frozenset(day - timedelta(days=back) for back in range(8, 20)),
        not_counted={"crm_bridge": "в словаре нет «Отправка сообщения WA»"},
    )
    report = build_report(inputs)
    assert report.verdict.kind == "alarm"
    assert len(parsed(report.caption_html)) <= 1024
    assert len(shown(report.caption_html)) <= 7


@every_day
def test_a_number_of_the_caption_stands_in_one_line_with_its_unit(name: str) -> None:
    assert re.findall(r"\d ч\b", parsed(report_of(name).caption_html)) == []


@every_day
def test_every_number_in_the_caption_is_among_the_stored_ones(name: str) -> None:
    inputs = DAYS[name]
    stored = set(_written_numbers(report_of(name).numbers)) | _calendar_numbers(inputs)
    said = re.findall(r"\d[\d\u00a0]*(?:,\d)?", parsed(report_of(name).caption_html))
    fixed = {"24", "1", "2"}  # 24 h, 1st and 2nd line: words, not numbers
    assert {number.strip("\u00a0") for number in said} - fixed <= stored


def _written_numbers(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [each for child in value.values() for each in _written_numbers(child)]
    if isinstance(value, list):
        return [each for child in value for each in _written_numbers(child)]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        shares = [percent(value).split("\u00a0")[0]] if 0 <= value <= 1 else []
        return [number(value), number(round(value)), *shares]
    return []


def _calendar_numbers(inputs: ReportInputs) -> set[str]:
    about, found = inputs.about, inputs.about.completeness
    first_compared = about.history_first_day + LEAST_TRAINING_DAYS * DAY
    old_enough = about.history_first_day + 60 * DAY
    named = [about.day, about.history_first_day, *COHORT.days(about.day), *about.spoiled_days]
    named += [first_compared, old_enough, about.day - CONVERSION]
    times = [moment for moment in (found.ends_at, found.resumes_at) if moment]
    clocks = {part for moment in times for part in (f"{moment:%H}", f"{moment:%M}")}
    young = {str((about.day - about.history_first_day).days)}
    return {str(day.day) for day in named} | {str(about.day.year), "7"} | clocks | young


@every_day
def test_building_a_report_leaves_its_inputs_unchanged_and_repeats_itself(name: str) -> None:
    inputs = DAYS[name]
    before = deepcopy(inputs)
    assert build_report(inputs) == report_of(name)
    for name_of_frame, frame in inputs.frames.items():
        pd.testing.assert_frame_equal(frame, before.frames[name_of_frame])
    pd.testing.assert_frame_equal(inputs.daily_values, before.daily_values)


@every_day
def test_the_order_of_rows_does_not_matter(name: str) -> None:
    inputs = DAYS[name]
    turned = replace(
        inputs,
        frames={key: frame.iloc[::-1] for key, frame in inputs.frames.items()},
        daily_values=inputs.daily_values.iloc[::-1],
    )
    assert build_report(turned) == report_of(name)


@every_day
def test_a_stored_report_is_plain_json_and_the_same_bytes_each_time(name: str) -> None:
    stored = report_json(report_of(name), "0" * 64)
    again = report_json(report_of(name), "0" * 64)
    assert json_bytes(stored) == json_bytes(again)
    assert json.loads(json_bytes(stored)) == stored


def test_the_last_bits_of_a_processor_make_no_other_report() -> None:
    report = report_of("handling")
    judged = [one for part in report.parts.values() if part for one in part.judged]
    exact = {one.series: one.found.usual for one in judged if one.is_known}
    kept = {series: report.numbers[series]["usual"] for series in exact}
    assert kept == pytest.approx(exact, rel=1e-11)
    assert len(repr(kept)) < len(repr(exact))


def test_a_stored_report_holds_what_was_said_and_shown() -> None:
    stored = report_json(report_of("handling"), "ab" * 32)
    assert plain(stored["verdict"]) == "57 заявок не обработано за сутки, обычно 20–51"
    assert (stored["verdict_kind"], stored["is_new"]) == ("alarm", True)
    assert stored["caption"].startswith("<b>57")
    assert stored["cohort"] == {"first": "2022-02-03", "last": "2022-02-09"}
    of_process = stored["numbers"]["unclosed_processes"][journey.OPEN_REQUESTS]
    assert of_process["split"] == {"usual_day": 23, "flow": 12, "handling": 22}
    judged = stored["numbers"]["open_requests"]
    assert (judged["low"], judged["high"], judged["window"]) == (20, 51, 1)
    assert stored["sha256"] == "ab" * 32


def test_a_stored_report_tells_how_whole_the_data_are_and_what_is_not_counted() -> None:
    cut = report_json(report_of("hole"), "")
    assert cut["data"] == {
        "state": "hole",
        "ends_at": "2022-02-12T09:00:00",
        "resumes_at": "2022-02-12T15:30:00",
        "certain_until": None,
        "missing": [],
    }
    assert report_json(report_of("ordinary"), "")["not_counted"] == {}
    reasons = report_json(report_of("not_counted_process"), "")["not_counted"]
    assert reasons == {"second_line": "в словаре нет «Дозвон 2Л»"}


def test_a_report_without_the_usual_range_stores_nulls_and_no_zeros() -> None:
    judged = report_of("ends_early").numbers["open_requests"]
    assert (judged["usual"], judged["low"], judged["high"]) == (None, None, None)


def test_data_are_escaped_in_the_caption() -> None:
    inputs = days.changed(days.ordinary(), not_counted={"funnel": "нет «<b>» & «Покупка»"})
    caption = build_report(inputs).caption_html
    assert "нет «&lt;b&gt;» &amp; «Покупка»" in caption


def test_the_headlines_of_a_stored_report_are_what_a_correction_compares() -> None:
    stored = json.loads(json.dumps(report_of("corrected").numbers))
    headlines = {name: plain(value) for name, value in headline_numbers(stored).items()}
    assert headlines["новые платящие"] == "16"
    assert headlines["открытые заявки"] == "22 из 58"


def test_a_part_that_is_missing_has_no_headline() -> None:
    assert "новые платящие" not in headline_numbers(report_of("late_part").numbers)


def test_the_day_before_and_the_day_after_make_no_difference_to_a_day() -> None:
    """Only what was known at the cut-off counts: values of later days are ignored."""
    day = date(2022, 2, 12)
    later = pd.concat([days.values(day), days.values(day + timedelta(days=1), days=1)])
    assert build_report(days.changed(days.ordinary(), values=later)) == report_of("ordinary")
