"""The stored report of a day: its picture and, written last, its numbers and caption."""

import json
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any

from sales_assets.adapters.frames import FrameStore, StorageError, read_bytes, write_bytes

ASSET = "daily_report"
PICTURE = ".png"
NUMBERS = ".json"


@dataclass(frozen=True)
class StoredReport:
    """A day's report as it was rendered.

    `content` is the JSON file's: caption, verdict, numbers, cohort, notes, sha256 of the picture.
    """

    day: date
    content: dict[str, Any]
    picture: bytes = field(repr=False)


def write_report(store: FrameStore, day: date, picture: bytes, content: bytes) -> None:
    """Store both files; a reader takes a picture only with the JSON file that names its hash."""
    write_bytes(store.path(ASSET, day, PICTURE), picture)
    write_bytes(store.path(ASSET, day, NUMBERS), content)


def read_report(store: FrameStore, day: date) -> StoredReport:
    """Return the stored report of `day`.

    Raises:
        MissingDayError: the day has no report.
        StorageError: the picture is not the one that the JSON file describes.
    """
    content = json.loads(read_bytes(store.path(ASSET, day, NUMBERS)))
    picture = read_bytes(store.path(ASSET, day, PICTURE))
    if sha256(picture).hexdigest() != content["sha256"]:
        raise StorageError(
            f"{store.path(ASSET, day, PICTURE)} is not the picture that its JSON file describes: "
            f"the writing was cut short. Materialize {ASSET} of {day} again."
        )
    return StoredReport(day, content, picture)
