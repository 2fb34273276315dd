"""What a part of the report promises, and all that it may know."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum, StrEnum
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

import pandas as pd

from sales_assets.core.report.page import Block, panel


@dataclass(frozen=True)
class DataQuality:
    """Rows of the day that were read, and those set aside, by kind (English identifiers)."""

    rows: int
    set_aside: dict[str, int]


@dataclass(frozen=True)
class ReportDay:
    """What every part may know of the day beside its own frames."""

    day: date
    zone: ZoneInfo
    history_first_day: date
    flawed_days: tuple[date, ...] = ()


@dataclass(frozen=True)
class ReportInputs:
    """One day's stored frames, by the names of their assets; one that could not be had is absent.

    `frames` hold the day itself. `before` holds what a metric is compared with, each day at its
    own cut-off and without the days before the history: for `unclosed_processes` (day, process,
    due, breached) and `conversion_funnel` (day, path, step, users, share; the group `all`) the
    same weekday of the four weeks before; for `new_paying_users` (day, new_paying) the 29 days
    that end with the report day. `day` columns are `datetime.date` objects.
    """

    about: ReportDay
    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    before: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    quality: DataQuality | None = None


class VerdictKind(StrEnum):
    """How the day is to be taken; the picture colours ALARM alone."""

    ALARM = "alarm"
    GOOD = "good"
    INCOMPLETE = "incomplete"
    HOLIDAY = "holiday"
    YOUNG = "young"
    CALM = "calm"


class Rank(IntEnum):
    """Whose news is said first; of equal rank, the larger excess."""

    PROCESSES = 1
    NEW_PAYING = 2
    FUNNEL = 3


@dataclass(frozen=True)
class News:
    """A number that stands out, in the words of a verdict (under 60 characters).

    `excess` orders the news of one rank, the largest first.
    """

    kind: VerdictKind
    text: str
    rank: Rank
    excess: float = 0.0


class Part(ABC):
    """One part of the report: its value, and all that is said and drawn of it.

    The class speaks for a part that is not there. `NAME` is what the chief's notes call it,
    `FRAME` the asset that it is made of, `NUMBERS` are its keys in the stored numbers.
    """

    NAME: ClassVar[str]
    FRAME: ClassVar[str]
    NUMBERS: ClassVar[tuple[str, ...]]

    @classmethod
    @abstractmethod
    def of(cls, inputs: ReportInputs) -> Self | None:
        """Return the part's value, or None where its frames are not there."""

    @classmethod
    @abstractmethod
    def absence(cls, about: ReportDay) -> str:
        """Say in the part's place in the picture that it is not there."""

    @classmethod
    def absence_block(cls, about: ReportDay) -> Block:
        """Draw the part's absence."""
        return panel(cls.absence(about))

    @classmethod
    def missing_name(cls, about: ReportDay) -> str:  # noqa: ARG003 - some names carry dates
        """Name the missing part in a note."""
        return cls.NAME

    @classmethod
    def not_yet(cls, about: ReportDay) -> str | None:  # noqa: ARG003 - most parts start at once
        """Say why the part cannot be there yet; None where its absence is a fault."""
        return None

    @staticmethod
    @abstractmethod
    def headlines(numbers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield the part's headline numbers in a stored report, by name, as people read them."""

    @property
    def is_compared(self) -> bool:
        """Whether a number of the part has a usual level."""
        return False

    def news(self) -> Sequence[News]:
        """Return what stands out."""
        return ()

    def headline(self) -> str | None:
        """Return what the caption says of the part on any day."""
        return None

    def caption_lines(self) -> Sequence[str]:
        """Return what the caption says of the part where it stands out."""
        return ()

    def notes(self) -> Sequence[str]:
        """Return what the reader must know of the data, said in the part's own place."""
        return ()

    def footnotes(self) -> Sequence[str]:
        """Return what the reader must know of the data, said at the foot of the picture."""
        return ()

    @abstractmethod
    def numbers(self) -> dict[str, Any]:
        """Return the numbers shown, by the keys of `NUMBERS`, as plain values for JSON."""

    @abstractmethod
    def block(self) -> Block:
        """Draw the part."""
