"""The report of one day as a value: its parts, what is said of them, its stored form."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sales_assets.core import names
from sales_assets.core.completeness import as_json
from sales_assets.core.metrics.metric import Metric
from sales_assets.core.report.inputs import DataQuality, ReportDay, ReportInputs
from sales_assets.core.report.part import Part
from sales_assets.core.report.parts.crm_bridge import CrmBridge
from sales_assets.core.report.parts.expiring import Expiring
from sales_assets.core.report.parts.funnel import Funnel
from sales_assets.core.report.parts.paying import NewPaying
from sales_assets.core.report.parts.processes import Processes
from sales_assets.core.report.verdict import (
    Verdict,
    caption_html,
    footnotes_of,
    notes_of,
    verdict_of,
)
from sales_assets.core.windows import COHORT

#: In the order of the picture.
PARTS: tuple[type[Part], ...] = (NewPaying, Processes, Expiring, Funnel, CrmBridge)
#: The metrics that the parts show.
METRICS_OF_PARTS: tuple[Metric, ...] = tuple(part.METRIC for part in PARTS if part.METRIC)
#: The assets of all metrics; each may fail without taking the others along.
METRICS = (
    names.DAILY_VALUES,
    names.STUCK_CASES,
    names.DAILY_ACTIVITY,
    *(metric.name for metric in METRICS_OF_PARTS),
)


@dataclass(frozen=True)
class Report:
    """All that the chief sees of one day; a part is None where it could not be computed.

    `verdict.text` is the caption's first line; `caption_html` is at most 1024 characters long
    after parsing; `footnotes` are the notes that no part of the picture says in its own place.
    """

    about: ReportDay
    parts: Mapping[type[Part], Part | None]
    quality: DataQuality | None

    @cached_property
    def verdict(self) -> Verdict:
        """The most serious thing to say of the day."""
        return verdict_of(self.parts, self.about)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader must know of the data."""
        return notes_of(self.parts, self.about)

    @property
    def footnotes(self) -> tuple[str, ...]:
        """Those notes that no part says in its own place."""
        return footnotes_of(self.parts, self.about)

    @property
    def caption_html(self) -> str:
        """The verdict in bold and at most six lines."""
        return caption_html(self.verdict, self.parts, self.about)

    @property
    def numbers(self) -> dict[str, Any]:
        """The numbers shown, by the parts' keys, null for a part that is not there."""
        absent = {name: None for part in PARTS for name in part.NUMBERS}
        shown = {k: v for part in self.parts.values() if part for k, v in part.numbers().items()}
        quality = asdict(self.quality) if self.quality else None
        return {**absent, **shown, "data_quality": quality}


def build_report(inputs: ReportInputs) -> Report:
    """Build the report of one day from its stored metrics; the same inputs give the same value.

    A missing part never raises: it is None, and the verdict, the notes and the picture say so.
    """
    return Report(inputs.about, {part: part.of(inputs) for part in PARTS}, inputs.quality)


def report_json(report: Report, picture_sha256: str) -> dict[str, Any]:
    """Return the report as it is stored beside its picture."""
    about = report.about
    first, last = COHORT.days(about.day)
    data = as_json(about.completeness)
    del data["surprise"]
    return {
        "day": about.day.isoformat(),
        "caption": report.caption_html,
        "verdict": report.verdict.text,
        "verdict_kind": report.verdict.kind.value,
        "is_new": report.verdict.is_new,
        "data": data,
        "not_counted": dict(about.not_counted),
        "compared": {
            "first_day": about.history_first_day.isoformat(),
            "holidays": sorted(day.isoformat() for day in about.holidays),
            "spoiled_days": sorted(day.isoformat() for day in about.spoiled_days),
        },
        "numbers": report.numbers,
        "cohort": {"first": first.isoformat(), "last": last.isoformat()},
        "notes": list(report.notes),
        "sha256": picture_sha256,
    }


def about_of(stored: Mapping[str, Any], day: date, zone: ZoneInfo) -> ReportDay:
    """Return what a stored report knew of its day, as far as its receipt needs it."""
    compared = stored.get("compared", {})
    return ReportDay(
        day,
        zone,
        date.fromisoformat(compared.get("first_day", date.min.isoformat())),
        frozenset(map(date.fromisoformat, compared.get("holidays", ()))),
        frozenset(map(date.fromisoformat, compared.get("spoiled_days", ()))),
        not_counted=stored.get("not_counted", {}),
    )


def json_bytes(stored: Mapping[str, Any]) -> bytes:
    """Serialise a stored report: UTF-8, sorted keys, the same bytes for the same values."""
    text = json.dumps(stored, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
    return f"{text}\n".encode()


def headline_numbers(numbers: Mapping[str, Any]) -> dict[str, str]:
    """Return the headline numbers of a stored report, by their names, as people read them."""
    return {name: said for part in PARTS for name, said in part.headlines(numbers)}
