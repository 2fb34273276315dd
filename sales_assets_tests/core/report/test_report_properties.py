"""Whatever the numbers are, the report can be said and drawn."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from sales_assets.core.judgement.day_completeness import Completeness, State
from sales_assets.core.metrics.values import SERIES
from sales_assets.core.report.inputs import DataQuality, ReportInputs
from sales_assets.core.report.page import MARGIN, RIGHT, SMALLEST_TEXT, Text
from sales_assets.core.report.part import Rank, Story, VerdictKind
from sales_assets.core.report.picture import picture
from sales_assets.core.report.report import build_report, json_bytes, report_json, worded
from sales_assets_tests.core.report import report_days as days
from sales_assets_tests.core.report.test_picture import area, overlap
from sales_assets_tests.core.report.test_report import parsed, shown

COUNTS = st.integers(0, 99_999)
STAGES = st.lists(COUNTS, min_size=7, max_size=7).map(lambda counts: tuple(sorted(counts)[::-1]))
NAMES = st.text("абвгджю, ·12<&", min_size=1, max_size=60).filter(lambda name: name.strip())
KEYS = ("new_paying", "funnel", "crm_bridge", days.FIRST_LINE, days.SECOND_LINE)


@st.composite
def values(draw: st.DrawFn, series: str) -> days.Value:
    if days.LEVELS[series][1] is None:
        return draw(COUNTS), None
    of = draw(COUNTS)
    return draw(st.integers(0, of)), of


@st.composite
def inputs(draw: st.DrawFn) -> ReportInputs:
    day = draw(st.dates(date(2021, 1, 1), date(2027, 12, 31)))
    history = draw(st.integers(1, 113))
    usual = {series: draw(values(series)) for series in SERIES}
    whole = days.ordinary(day, usual, history, day - timedelta(days=history - 1))
    told = days.lately(
        whole,
        **{
            series: [draw(values(series)) for _ in range(min(draw(st.integers(0, 8)), history))]
            for series in SERIES
        },
    )
    midday = datetime(day.year, day.month, day.day, 12)
    state = draw(st.sampled_from(State))
    frames = draw(st.sets(st.sampled_from(["unclosed", "funnel", "paying", "clients"]), max_size=3))
    active, joined = sorted((draw(st.integers(0, 999)), draw(st.integers(0, 999))))[::-1]
    groups = draw(st.dictionaries(NAMES, STAGES, max_size=6))
    return days.changed(
        days.changed(told, funnel=days.funnel(groups), clients=days.clients(active, joined)),
        completeness=Completeness(
            state,
            ends_at=midday if state in {State.ENDS_EARLY, State.HOLE} else None,
            resumes_at=midday + timedelta(hours=5) if state is State.HOLE else None,
        ),
        spoiled_days=frozenset(
            day - timedelta(days=back) for back in draw(st.sets(st.integers(1, 40), max_size=5))
        ),
        uncounted_days={
            key: frozenset(day - timedelta(days=back) for back in draw(st.sets(st.integers(1, 40))))
            for key in draw(st.sets(st.sampled_from(KEYS), max_size=2))
        },
        source_since=day - timedelta(days=draw(st.integers(history - 1, 200))),
        not_counted=draw(st.dictionaries(st.sampled_from(KEYS), NAMES, max_size=3)),
        quality=DataQuality(draw(COUNTS), {"duplicates": draw(COUNTS)}),
        **dict.fromkeys(frames),
    )


@settings(max_examples=25, deadline=None)
@given(inputs())
def test_any_report_fits_its_message_and_its_picture(given_inputs: ReportInputs) -> None:
    report = build_report(given_inputs)
    assert len(report.verdict.text) < 60
    assert len(parsed(report.caption_html)) <= 1024
    assert len(shown(report.caption_html)) <= 7
    json_bytes(report_json(report, "0" * 64))
    texts = [mark for mark in picture(report).marks if isinstance(mark, Text)]
    assert all(text.size >= SMALLEST_TEXT for text in texts)
    sides = [(left, right) for left, _, right, _ in map(area, texts)]
    assert all(MARGIN - 6 <= left <= right <= RIGHT + 6 for left, right in sides)
    assert not [pair for pair in combinations(texts, 2) if overlap(*pair)]


@given(st.integers(1, 29), st.lists(NAMES, min_size=1, max_size=3))
def test_a_verdict_stays_under_sixty_characters_on_any_day_of_a_story(
    number: int, texts: list[str]
) -> None:
    story = Story(VerdictKind.ALARM, Rank.PROCESSES, tuple(texts), number)
    said = worded(story).text
    assert len(said) < 60
    assert said == worded(replace(story, rarity=0.5)).text
