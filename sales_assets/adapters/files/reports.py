"""The stored report of a day: its picture and, written last, its numbers and caption."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any

from sales_assets.adapters.files.frames import (
    FrameStore,
    StorageError,
    parsed,
    read_bytes,
    read_json,
    write_bytes,
)
from sales_assets.core import names
from sales_assets.core.delivery.messages import CAPTION_LIMIT, ReportToSend, fits_caption
from sales_assets.core.report.part import VerdictKind
from sales_assets.core.report.report import headline_numbers

PICTURE = ".png"
NUMBERS = ".json"


@dataclass(frozen=True)
class StoredReport:
    """A day's report as it was rendered.

    `content` is the JSON file's: caption, verdict, numbers, cohort, notes, sha256 of the picture;
    `content_sha256` is that file's own.
    """

    day: date
    content: dict[str, Any]
    content_sha256: str
    picture: bytes = field(repr=False)

    def to_send(self) -> ReportToSend:
        """Return the report as the delivery takes it."""
        return ReportToSend(
            day=self.day,
            caption_html=self.content["caption"],
            verdict=self.content["verdict"],
            numbers=headline_numbers(self.content["numbers"]),
            content_sha256=self.content_sha256,
            picture=self.picture,
            notes=tuple(self.content["notes"]),
            is_new=bool(self.content.get("is_new", True)),
            is_neutral=self.content.get("verdict_kind") == VerdictKind.INCOMPLETE,
        )


def write_report(store: FrameStore, day: date, picture: bytes, content: bytes) -> None:
    """Store both files; a reader takes a picture only with the JSON file that names its hash."""
    write_bytes(store.path(names.DAILY_REPORT, day, PICTURE), picture)
    write_bytes(store.path(names.DAILY_REPORT, day, NUMBERS), content)


def read_report(store: FrameStore, day: date) -> StoredReport:
    """Return the stored report of `day`.

    Raises:
        MissingDayError: the day has no report.
        StorageError: the picture is not the one that the JSON file describes, or the caption does
            not fit under it.
    """
    path = store.path(names.DAILY_REPORT, day, NUMBERS)
    stored = read_bytes(path)
    content = parsed(path, stored)
    picture_path = store.path(names.DAILY_REPORT, day, PICTURE)
    picture = read_bytes(picture_path)
    if sha256(picture).hexdigest() != content["sha256"]:
        raise StorageError(
            f"{picture_path} is not the picture that its JSON file describes: the writing was cut "
            f"short. Materialize {names.DAILY_REPORT} of {day} again."
        )
    if not fits_caption(content["caption"]):
        raise StorageError(
            f"The caption of the report of {day} is longer than {CAPTION_LIMIT} characters, which "
            "Telegram refuses; its making should have kept it short. Materialize "
            f"{names.DAILY_REPORT} of {day} again with a version that does."
        )
    return StoredReport(day, content, sha256(stored).hexdigest(), picture)


def read_content(store: FrameStore, day: date) -> dict[str, Any]:
    """Return the JSON file of the report of `day`; raise `MissingDayError` if there is none."""
    return read_json(store.path(names.DAILY_REPORT, day, NUMBERS))


def content_hashes(store: FrameStore, days: Iterable[date]) -> dict[date, str]:
    """Return what stands for the content of each of `days` that has a report."""
    stored = store.days(names.DAILY_REPORT, NUMBERS)
    return {
        day: sha256(read_bytes(store.path(names.DAILY_REPORT, day, NUMBERS))).hexdigest()
        for day in days
        if day in stored
    }
