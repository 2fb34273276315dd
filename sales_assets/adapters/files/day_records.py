"""What is kept of a day beside its frames: whether it was whole, what its checks said."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import TypeAdapter

from sales_assets.adapters.files.frames import FrameStore, read_bytes, write_bytes
from sales_assets.core.completeness import Evidence
from sales_assets.core.judgement import Completeness

RECORD, REFUSAL, CHECKED = "completeness", "refusals", "checked"
JSON = ".json"


@dataclass(frozen=True)
class DayRecord:
    """What bounds a day's silences; the judge's word on it, where it was asked."""

    evidence: Evidence
    completeness: Completeness | None = None


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


_RECORDS, _REFUSALS = TypeAdapter(DayRecord), TypeAdapter(Refusal)


def write_record(store: FrameStore, day: date, record: DayRecord) -> None:
    """Store the record of a day as `completeness/<day>.json`."""
    _write(store, RECORD, day, _RECORDS.dump_python(record, mode="json"))


def read_record(store: FrameStore, day: date) -> DayRecord:
    """Return the record of a stored day; raise `MissingDayError` if there is none."""
    return _RECORDS.validate_python(_read(store, RECORD, day))


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
    if store.holds(REFUSAL, day, JSON):
        store.path(REFUSAL, day, JSON).unlink(missing_ok=True)


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


def _write(store: FrameStore, folder: str, day: date, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
    write_bytes(store.path(folder, day, JSON), text.encode())


def _read(store: FrameStore, folder: str, day: date) -> dict[str, Any]:
    return json.loads(read_bytes(store.path(folder, day, JSON)))
