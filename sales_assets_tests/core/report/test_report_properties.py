"""Whatever the numbers are, the report can be said and drawn."""

from datetime import date, timedelta
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from sales_assets.core.report.page import MARGIN, RIGHT, SMALLEST_TEXT, Text
from sales_assets.core.report.part import DataQuality, ReportDay, ReportInputs
from sales_assets.core.report.picture import picture
from sales_assets.core.report.report import build_report, json_bytes, report_json
from sales_assets_tests.core.report import report_days as days
from sales_assets_tests.core.report.test_picture import overlap

COUNTS = st.integers(0, 99_999)
STAGES = st.lists(COUNTS, min_size=7, max_size=7).map(lambda counts: tuple(sorted(counts)[::-1]))
NAMES = st.text("абвгджю, ·12<&", min_size=1, max_size=60).filter(lambda name: name.strip())


@st.composite
def inputs(draw: st.DrawFn) -> ReportInputs:
    day = draw(st.dates(date(2021, 1, 1), date(2027, 12, 31)))
    due = {name: draw(COUNTS) for name in days.PROCESS_NAMES}
    breached = {name: (draw(st.integers(0, due[name])), due[name]) for name in due}
    four = st.tuples(COUNTS, COUNTS, COUNTS, COUNTS)
    values = draw(st.lists(COUNTS, min_size=1, max_size=29))
    groups = draw(st.dictionaries(NAMES, STAGES, max_size=6))
    about = ReportDay(
        day=day,
        zone=days.MOSCOW,
        history_first_day=day - timedelta(days=draw(st.integers(0, 90))),
        flawed_days=tuple(
            day - timedelta(days=back) for back in draw(st.sets(st.integers(1, 40), max_size=5))
        ),
    )
    whole = days.changed(
        ReportInputs(about, quality=DataQuality(draw(COUNTS), {"duplicates": draw(COUNTS)})),
        unclosed=days.unclosed(breached),
        unclosed_before=days.unclosed_before(day, {name: draw(four) for name in due}),
        funnel=days.funnel(groups),
        funnel_before=days.funnel_before(day, 400, (0.5, 0.4, 0.3, 0.1)),
        paying=days.paying(values[-1], draw(COUNTS)),
        paying_series=days.paying_series(day, tuple(values)),
        clients=days.clients(*sorted((draw(st.integers(0, 999)), draw(st.integers(0, 999))))[::-1]),
    )
    parts = st.sampled_from(["unclosed", "funnel", "paying", "paying_series", "clients"])
    return days.changed(whole, **dict.fromkeys(draw(st.sets(parts, max_size=3))))


@settings(max_examples=25, deadline=None)
@given(inputs())
def test_any_report_fits_its_message_and_its_picture(given_inputs: ReportInputs) -> None:
    report = build_report(given_inputs)
    assert len(report.verdict.text) < 60
    assert len(report.caption_html) <= 1024
    assert len(report.caption_html.split("\n")) <= 7
    json_bytes(report_json(report, "0" * 64))
    texts = [mark for mark in picture(report).marks if isinstance(mark, Text)]
    assert all(text.size >= SMALLEST_TEXT for text in texts)
    assert all(MARGIN - 6 <= text.left <= text.left + text.width <= RIGHT + 6 for text in texts)
    assert not [pair for pair in combinations(texts, 2) if overlap(*pair)]
