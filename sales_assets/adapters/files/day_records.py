"""What is kept of a day beside its frames: was it whole, what did its checks and its source say."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import TypeAdapter

from sales_assets.adapters.files.frames import FrameStore, MissingDayError, read_json, write_bytes
from sales_assets.core import names
from sales_assets.core.completeness import Evidence
from sales_assets.core.judgement import Completeness
from sales_assets.core.source_findings import FINDINGS, Finding

RECORD, REFUSAL, CHECKED = "completeness", "refusals", "checked"
JSON = ".json"


@dataclass(frozen=True)
class Refusal:
    """Why a day of the source was not taken: the check that it fails, and its sentence.

    `completeness` is the judge's word where that is the check; `stored` tells whether an older
    reading of the day is kept.
    """

    day: date
    check: str
    message: str
    stored: bool = False
    completeness: Completeness | None = None


_EVIDENCE, _ANSWERS = TypeAdapter(Evidence), TypeAdapter(Completeness | None)
_REFUSALS = TypeAdapter(Refusal)


def write_record(
    store: FrameStore, day: date, evidence: Evidence, completeness: Completeness | None
) -> None:
    """Store what bounds a day's silences, and the judge's word, as `completeness/<day>.json`."""
    bounds = _EVIDENCE.dump_python(evidence, mode="json")
    answer = _ANSWERS.dump_python(completeness, mode="json")
    _write(store, RECORD, day, {"evidence": bounds, "completeness": answer})


def read_record(store: FrameStore, day: date) -> tuple[Evidence, Completeness | None]:
    """Return a day's record, the judge's word where it was asked; `MissingDayError` without one."""
    stored = _read(store, RECORD, day)
    answer = _ANSWERS.validate_python(stored["completeness"])
    return _EVIDENCE.validate_python(stored["evidence"]), answer


def write_refusal(store: FrameStore, refusal: Refusal) -> None:
    """Store `refusals/<day>.json`: it stands until the day is taken."""
    content = _REFUSALS.dump_python(refusal, mode="json", exclude={"day"})
    _write(store, REFUSAL, refusal.day, content)


def read_refusal(store: FrameStore, day: date) -> Refusal | None:
    """Return why the newest reading of the day was refused; None if it was not."""
    if not store.holds(REFUSAL, day, JSON):
        return None
    return _REFUSALS.validate_python({**_read(store, REFUSAL, day), "day": day})


def withdraw_refusal(store: FrameStore, day: date) -> None:
    """Forget a refusal: the day was taken."""
    store.forget(REFUSAL, day, JSON)


def write_checked(
    store: FrameStore, day: date, terms: Mapping[str, Any], failure: Refusal | None
) -> None:
    """Store what blocks a stored day, or that nothing does, under the `terms` of the checks."""
    found = {"check": failure.check, "message": failure.message} if failure else None
    _write(store, CHECKED, day, {"terms": terms, "failure": found})


def read_checked(
    store: FrameStore, day: date, terms: Mapping[str, Any]
) -> tuple[bool, Refusal | None]:
    """Return whether a day was checked under the same `terms`, and what blocks it."""
    if not store.holds(CHECKED, day, JSON):
        return False, None
    stored = _read(store, CHECKED, day)
    failure = stored["failure"]
    found = Refusal(day, failure["check"], failure["message"], stored=True) if failure else None
    return stored["terms"] == terms, found


def write_findings(store: FrameStore, day: date, findings: Iterable[Finding]) -> None:
    """Store what didn't fit in the source beside the day's raw rows, replacing older findings."""
    content = {"findings": FINDINGS.dump_python(tuple(findings), mode="json")}
    text = json.dumps(content, ensure_ascii=False, indent=1)
    write_bytes(store.path(names.RAW_EVENTS, day, JSON), f"{text}\n".encode())


def read_findings(store: FrameStore, day: date) -> tuple[Finding, ...]:
    """Return the findings of `day`; none for a day that was stored without."""
    with suppress(MissingDayError):
        return FINDINGS.validate_python(_read(store, names.RAW_EVENTS, day)["findings"])
    return ()


def _write(store: FrameStore, folder: str, day: date, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
    write_bytes(store.path(folder, day, JSON), text.encode())


def _read(store: FrameStore, folder: str, day: date) -> dict[str, Any]:
    return read_json(store.path(folder, day, JSON))
