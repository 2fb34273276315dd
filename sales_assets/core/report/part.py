"""What a part of the report promises, and all that it may know."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, ClassVar, Self

from sales_assets.core.metrics.metric import Metric
from sales_assets.core.report.inputs import DayEvents, ReportDay, ReportInputs
from sales_assets.core.report.page import Block, panel
from sales_assets.core.report.sheet import Sheet
from sales_assets.core.report.usual import Judged
from sales_assets.core.report.wording import day_and_month, day_range, sentence
from sales_assets.core.russian import report as ru
from sales_assets.core.windows import COHORT


class VerdictKind(StrEnum):
    """How the day is to be taken; the picture colours ALARM alone."""

    ALARM = "alarm"
    GOOD = "good"
    INCOMPLETE = "incomplete"
    HOLIDAY = "holiday"
    YOUNG = "young"
    CALM = "calm"


class Rank(IntEnum):
    """Which of two stories of one kind is told first; of equal rank, the rarer one."""

    PROCESSES = 1
    NEW_PAYING = 2
    REQUESTS = 3
    FUNNEL = 4


@dataclass(frozen=True)
class Story:
    """A number that stands out, or does so no longer, in the words of a verdict.

    `texts` say the same, the longest first: the verdict takes the first that fits it. `detail` is
    a second line for the banner, `question` what the chief may ask the department. `day_number` is
    0 where the story is over. `rarity` orders the stories of one rank, the smallest first.
    """

    kind: VerdictKind
    rank: Rank
    texts: tuple[str, ...]
    day_number: int = 1
    rarity: float = 1.0
    detail: str = ""
    question: str = ""

    @classmethod
    def back(cls, rank: Rank, name: str) -> Self:
        """Return the story of a number that is back to usual."""
        return cls(VerdictKind.CALM, rank, (ru.BACK_VERDICT.format(name=name),), day_number=0)

    @property
    def is_over(self) -> bool:
        """Whether it is told for the last time: the number is back to usual."""
        return self.day_number == 0

    @property
    def is_new(self) -> bool:
        """Whether it is told for the first time."""
        return self.day_number == 1 and self.kind in {VerdictKind.ALARM, VerdictKind.GOOD}


class Part(ABC):
    """One part of the report: its value, and all that is said and drawn of it.

    The class speaks for a part that is not there. `NAME` is what the chief's notes call it,
    `MISSING` what the picture says in its place, with the `{day}` or the `{cohort}`, `FRAME` the
    asset that it is made of, `METRIC` describes that asset where it is one of the part's own,
    `NUMBERS` are its keys in the stored numbers, `KEY` is its key among the parts that are not
    counted. `IS_ADDED` says that it stands under the part before it, without a rule.
    """

    NAME: ClassVar[str]
    MISSING: ClassVar[str]
    FRAME: ClassVar[str]
    METRIC: ClassVar[Metric | None] = None
    KEY: ClassVar[str]
    NUMBERS: ClassVar[tuple[str, ...]]
    IS_ADDED: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def of(cls, inputs: ReportInputs) -> Self | None:
        """Return the part's value, or None where its frames are not there."""

    @classmethod
    def absence(cls, about: ReportDay) -> str:
        """Say in the part's place in the picture that it is not there."""
        if reason := cls.reason(about):
            return ru.NOT_COUNTED.format(part=sentence(cls.NAME), reason=reason)
        cohort = day_range(*COHORT.days(about.day))
        return cls.MISSING.format(day=day_and_month(about.day), cohort=cohort)

    @classmethod
    def reason(cls, about: ReportDay) -> str | None:
        """Return why the part can't be known, in the chief's words; None where it can."""
        return about.not_counted.get(cls.KEY)

    @classmethod
    def uncounted(cls, about: ReportDay) -> Sequence[tuple[str, str]]:
        """Return what of the part can't be known, by name, each with its reason."""
        reason = cls.reason(about)
        return ((cls.NAME, reason),) if reason else ()

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
    def headlines(numbers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:  # noqa: ARG004 - a part may have none
        """Yield the part's headline numbers in a stored report, by name, as people read them."""
        yield from ()

    @property
    def judged(self) -> Sequence[Judged]:
        """Return the part's judged numbers."""
        return ()

    def stories(self) -> Sequence[Story]:
        """Return what stands out, or does so no longer."""
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
        """Return the numbers shown, by the keys of `NUMBERS`; those of `judged` are added."""

    @classmethod
    def sheets(cls, events: DayEvents, numbers: Mapping[str, Any]) -> Iterator[Sheet]:  # noqa: ARG003 - a part may have none
        """Yield the sheets of the receipt: who makes up the `numbers` of the stored report."""
        yield from ()

    @abstractmethod
    def block(self) -> Block:
        """Draw the part."""
