"""The report of one day as a value, its stored form, and what a correction changed."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sales_assets.core import journey
from sales_assets.core.report.inputs import DataQuality, Population, ReportInputs
from sales_assets.core.report.parts import (
    ClientGroup,
    Funnel,
    NewPaying,
    ProcessDay,
    funnel,
    new_paying,
    process_days,
)
from sales_assets.core.report.verdict import (
    Facts,
    Verdict,
    caption_html,
    footnotes_of,
    notes_of,
    set_aside_note,
    verdict,
    young_note,
)
from sales_assets.core.report.wording import number
from sales_assets.core.russian import report as ru
from sales_assets.core.windows import COHORT


@dataclass(frozen=True)
class Report:
    """All that the chief sees of one day; a part is None where it could not be computed.

    `verdict.text` is the caption's first line; `caption_html` is at most 1024 characters long
    after parsing; `footnotes` are the notes that no part of the picture says in its place.
    """

    day: date
    zone: ZoneInfo
    verdict: Verdict
    caption_html: str
    notes: tuple[str, ...]
    footnotes: tuple[str, ...]
    paying_footnote: str | None
    set_aside: str | None
    cohort: tuple[date, date]
    paying: NewPaying | None
    processes: tuple[ProcessDay, ...] | None
    funnel: Funnel | None
    population: Population | None
    quality: DataQuality | None

    @property
    def numbers(self) -> dict[str, Any]:
        """The numbers shown, by the name of their asset, as plain values for JSON."""
        return {
            "new_paying_users": _paying_numbers(self.paying),
            "unclosed_processes": _process_numbers(self.processes),
            "conversion_funnel": _funnel_numbers(self.funnel),
            "funnel_move": _move_numbers(self.funnel),
            "population": _population_numbers(self.population),
            "data_quality": asdict(self.quality) if self.quality else None,
        }


def build_report(inputs: ReportInputs) -> Report:
    """Build the report of one day from its stored metrics; the same inputs give the same value.

    A missing part never raises: it is None, and the verdict, the notes and the picture say so.
    """
    facts = Facts(
        day=inputs.day,
        history_first_day=inputs.history_first_day,
        paying=new_paying(inputs),
        processes=process_days(inputs),
        funnel=funnel(inputs),
        has_population=inputs.population is not None,
        flawed_days=tuple(sorted(inputs.flawed_days)),
    )
    said, notes = verdict(facts), notes_of(facts)
    return Report(
        day=inputs.day,
        zone=inputs.zone,
        verdict=said,
        caption_html=caption_html(said, facts, notes),
        notes=notes,
        footnotes=footnotes_of(facts),
        paying_footnote=young_note(facts),
        set_aside=set_aside_note(inputs.quality),
        cohort=COHORT.days(inputs.day),
        paying=facts.paying,
        processes=facts.processes,
        funnel=facts.funnel,
        population=inputs.population,
        quality=inputs.quality,
    )


def report_json(report: Report, picture_sha256: str) -> dict[str, Any]:
    """Return the report as it is stored beside its picture."""
    first, last = report.cohort
    return {
        "day": report.day.isoformat(),
        "caption": report.caption_html,
        "verdict": report.verdict.text,
        "verdict_kind": report.verdict.kind.value,
        "numbers": report.numbers,
        "cohort": {"first": first.isoformat(), "last": last.isoformat()},
        "notes": list(report.notes),
        "sha256": picture_sha256,
    }


def json_bytes(stored: Mapping[str, Any]) -> bytes:
    """Serialise a stored report: UTF-8, sorted keys, the same bytes for the same values."""
    text = json.dumps(stored, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
    return f"{text}\n".encode()


def headline_numbers(numbers: Mapping[str, Any]) -> dict[str, str]:
    """Return the headline numbers of a stored report, by their names, as people read them."""
    return dict(_headlines(numbers))


def _headlines(numbers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    paying, processes = numbers.get("new_paying_users"), numbers.get("unclosed_processes")
    if paying:
        yield ru.PART_NEW_PAYING, number(paying["new_paying"])
    for name, process in (processes or {}).items():
        breached, due = number(process["breached"]), number(process["due"])
        yield name.lower(), ru.BREACHED_OF_DUE.format(breached=breached, due=due)
    entries = _entries(numbers)
    if entries is not None:
        yield ru.FUNNEL_HEADLINE, entries


def _entries(numbers: Mapping[str, Any]) -> str | None:
    everybody = (numbers.get("conversion_funnel") or {}).get("all")
    if not everybody:
        return None
    bought = number(everybody["main"][journey.PURCHASE]["users"])
    entries = number(everybody["main"][journey.REQUEST_CREATED]["users"])
    return ru.BREACHED_OF_DUE.format(breached=bought, due=entries)


def _paying_numbers(paying: NewPaying | None) -> dict[str, Any] | None:
    if paying is None:
        return None
    return {
        "new_paying": int(paying.level.value),
        "new_paying_experiment": paying.experiment,
        "paying": paying.paying,
        "payments": paying.payments,
        "same_weekday_last_week": paying.last_week,
        "mean_7d": paying.mean_7d,
        "usual_new_paying": paying.level.usual,
        "last_28_days": [[day.isoformat(), value] for day, value in paying.series],
    }


def _process_numbers(processes: tuple[ProcessDay, ...] | None) -> dict[str, Any] | None:
    if processes is None:
        return None
    return {
        process.name: {
            "breached": process.breached,
            "due": process.due,
            "usual_breached": process.level.usual,
            "overdue": process.overdue,
            "overdue_over_7d": process.overdue_over_7d,
        }
        for process in processes
    }


def _funnel_numbers(part: Funnel | None) -> dict[str, Any] | None:
    if part is None:
        return None
    return {group.name: _group_numbers(group) for group in (part.everybody, *part.groups)}


def _move_numbers(part: Funnel | None) -> dict[str, Any] | None:
    if part is None or part.move is None:
        return None
    return {"step": part.move.step, "share": part.move.share, "usual_share": part.move.usual}


def _group_numbers(group: ClientGroup) -> dict[str, Any]:
    numbers: dict[str, Any] = {stage.path: {} for stage in group.stages}
    for stage in group.stages:
        numbers[stage.path][stage.step] = {"users": stage.users, "share": stage.share}
    return numbers


def _population_numbers(population: Population | None) -> dict[str, int] | None:
    if population is None:
        return None
    return {
        "active": population.active,
        "in_experiments": population.in_experiments,
        "left": population.active - population.in_experiments,
    }
