"""The report: the day's metrics as one picture and one caption."""

import base64
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import dagster as dg

from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.files.rendering import png_of, render_svg
from sales_assets.adapters.files.reports import NUMBERS, PICTURE, write_report
from sales_assets.core import names
from sales_assets.core.journey import ALL_GROUPS
from sales_assets.core.metrics.values import SERIES
from sales_assets.core.report.picture import picture_spec
from sales_assets.core.report.report import (
    METRICS,
    Report,
    build_report,
    json_bytes,
    report_json,
)
from sales_assets.defs.daily import DailyAssets
from sales_assets.defs.lookback import LookbackResource
from sales_assets.defs.partitions import partition_days
from sales_assets.defs.report_inputs import InputsOfRun

GROUP = "report"
#: The UI shows a smaller picture, and a longer range none: the event log keeps them all.
PREVIEW_SCALE = 0.4
MOST_PREVIEWS = 31


def assets(daily: DailyAssets) -> list[dg.AssetsDefinition]:
    """Return the assets of this module for one calendar."""
    deps = [names.HOURLY_COUNTS, *METRICS]
    return [daily.asset(daily_report, group=GROUP, kinds={"altair", "png"}, deps=deps)]


def daily_report(context: dg.AssetExecutionContext, lookback: LookbackResource) -> None:
    """The picture and the caption that the chief gets in the morning.

    Stored as `<day>.png` and `<day>.json`. A metric that isn't stored is counted here; one that
    can't be is shown as missing, in its place, and the others stay.
    """
    days = partition_days(context)
    inputs = InputsOfRun(context, lookback)
    for done, day in enumerate(days, start=1):
        report = build_report(inputs.of(day))
        drawing = render_svg(picture_spec(report))
        picture = png_of(drawing)
        content = json_bytes(report_json(report, sha256(picture).hexdigest()))
        write_report(lookback.history.store, day, picture, content)
        preview = png_of(drawing, PREVIEW_SCALE) if len(days) <= MOST_PREVIEWS else None
        told = _metadata(lookback.history.store, report, preview)
        context.add_asset_metadata(told, partition_key=day.isoformat())
        context.log.info("%s: %s (%d of %d)", day, report.verdict.text, done, len(days))


def _metadata(store: FrameStore, report: Report, preview: bytes | None) -> dict[str, Any]:
    of_day = names.DAILY_REPORT, report.about.day
    return {
        "verdict": report.verdict.text,
        **({"preview": dg.MetadataValue.md(_image(preview))} if preview else {}),
        "caption": dg.MetadataValue.md(report.caption_html.replace("\n", "  \n")),
        "picture": dg.MetadataValue.path(str(store.path(*of_day, PICTURE))),
        "numbers": dg.MetadataValue.path(str(store.path(*of_day, NUMBERS))),
        **plots(report.numbers),
    }


def plots(numbers: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers that the UI plots over the days, the headlines first.

    The UI sorts plots by name, so the headlines, one a judged series, carry a place. Groups of
    clients are left out: a series a group and step is no plot.
    """
    judged = {series: dict(numbers.get(series) or {}) for series in SERIES}
    headlines = {
        f"{place} {series}": judged[series].pop("value", None)
        for place, series in enumerate(SERIES, start=1)
    }
    others = {**numbers, **judged}
    funnel = others.pop(names.CONVERSION_FUNNEL, None) or {}
    processes = others.pop(names.UNCLOSED_PROCESSES, None)
    short = {"funnel": funnel.get(ALL_GROUPS), "processes": processes}
    return dict(_plotted({**headlines, **others, **short}))


def _plotted(numbers: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the numbers within, by their path."""
    for name, value in numbers.items():
        if isinstance(value, dict):
            yield from _plotted(value, f"{prefix}{name}/")
        elif isinstance(value, int | float):
            yield f"{prefix}{name}", value


def _image(picture: bytes) -> str:
    return f"![report](data:image/png;base64,{base64.b64encode(picture).decode()})"
