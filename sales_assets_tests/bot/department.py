"""A small department whose day is stored as the assets would store it, report and all."""

from datetime import date, datetime, timedelta
from hashlib import sha256

from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.files.rendering import png_of, render_svg
from sales_assets.adapters.files.reports import read_report, write_report
from sales_assets.core import journey, names
from sales_assets.core.days import ReportDays, day_bounds
from sales_assets.core.delivery.messages import ReportToSend
from sales_assets.core.metrics.funnel import usual_steps
from sales_assets.core.metrics.metric import MetricContext
from sales_assets.core.metrics.processes import expired_cases, stuck_cases
from sales_assets.core.metrics.values import daily_values, values_of
from sales_assets.core.report.inputs import DataQuality, ReportDay, ReportInputs
from sales_assets.core.report.picture import picture_spec
from sales_assets.core.report.report import (
    METRICS_OF_PARTS,
    build_report,
    json_bytes,
    report_json,
)
from sales_assets_tests.core.metrics.strategies import MOSCOW, Row, raw_frame, stored

DAY = date(2026, 2, 12)
FIRST = DAY - timedelta(days=40)


def at(back: int, clock: str) -> datetime:
    """So many days before the report's day."""
    moment = f"{DAY - timedelta(days=back)} {clock}"
    return datetime.fromisoformat(moment).replace(tzinfo=MOSCOW)


#: anna waits since the day before yesterday, boris until 09:30, clara until 12:00 of today; dora
#: was called back in time, emil bought, and "=fay" is in an experiment.
ROWS: list[Row] = [
    ("anna", journey.REQUEST_CREATED, at(2, "10:00")),
    ("anna", journey.FIRST_LINE_TASK, at(2, "10:05")),
    ("boris", journey.REQUEST_CREATED, at(0, "09:00")),
    ("boris", journey.FIRST_LINE_TASK, at(0, "09:30")),
    ("clara", journey.REQUEST_CREATED, at(0, "12:00")),
    ("dora", journey.REQUEST_CREATED, at(1, "20:00")),
    ("dora", journey.FIRST_LINE_TASK, at(0, "09:00")),
    ("dora", journey.FIRST_LINE_ANSWERED, at(0, "11:00")),
    ("emil", journey.REQUEST_CREATED, at(9, "15:00")),
    ("emil", journey.LESSON_APPOINTED, at(9, "16:00")),
    ("emil", journey.PURCHASE, at(0, "13:00")),
    ("=fay", journey.WHATSAPP_SENT, at(0, "14:00")),
]


def store_day(store: FrameStore) -> ReportToSend:
    """Store all frames of the day and its report; return the report as the delivery has it."""
    of_days = stored(ROWS, FIRST, DAY)
    for day, clean in of_days.clean.items():
        start, end = day_bounds(day, MOSCOW)
        raw = raw_frame([row for row in ROWS if start <= row[2] < end], MOSCOW)
        store.write(names.RAW_EVENTS, day, raw)
        store.write(names.USER_HISTORY, day, of_days.history[day])
        store.write(names.CLEAN_EVENTS, day, clean)
    log, days = of_days.log(), ReportDays.of([DAY], MOSCOW)
    values = values_of(daily_values(log, ReportDays.of(sorted(of_days.clean), MOSCOW)))
    known = MetricContext(FIRST, lambda: values)
    frames = {metric.name: metric.count(log, days, known)[DAY] for metric in METRICS_OF_PARTS}
    for name, frame in {**frames, names.STUCK_CASES: stuck_cases(log, days)[DAY]}.items():
        store.write(name, DAY, frame)
    inputs = ReportInputs(
        ReportDay(DAY, MOSCOW, FIRST),
        {**frames, names.USER_HISTORY: of_days.history[DAY]},
        values,
        usual_steps(log, days)[DAY],
        DataQuality(8, {}),
        expired_cases(log, days)[DAY],
    )
    report = build_report(inputs)
    picture = png_of(render_svg(picture_spec(report)), 0.5)
    content = json_bytes(report_json(report, sha256(picture).hexdigest()))
    write_report(store, DAY, picture, content)
    return read_report(store, DAY).to_send()
