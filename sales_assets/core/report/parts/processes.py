"""Unclosed processes: of the promises that fell due on the day, those that were broken."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from sales_assets.core import names
from sales_assets.core.journey import PROCESSES
from sales_assets.core.metrics.processes import OVERDUE_COLUMNS
from sales_assets.core.report.levels import Change, Level, judged
from sales_assets.core.report.page import (
    ALARM,
    BODY_SIZE,
    INK,
    MARGIN,
    MORE_SIGN,
    MUTED,
    PAPER,
    RIGHT,
    SMALL_SIZE,
    Block,
    Box,
    Mark,
    Text,
    section_title,
    small_lines,
    stacked,
    text_width,
)
from sales_assets.core.report.part import News, Part, Rank, ReportDay, ReportInputs, VerdictKind
from sales_assets.core.report.wording import counted, day_and_month, number
from sales_assets.core.report.workdays import comparable_days
from sales_assets.core.russian import report as ru
from sales_assets.core.windows import FIRST_DUE

#: Past the promise, as usual.
BREACHED = "#5d7893"
#: Kept the promise; all that a share is a share of.
TRACK = "#d3dee8"
ROW = 60
BAR_HEIGHT = 40
MOST_LINES = 3


@dataclass(frozen=True)
class ProcessDay:
    """One process: cases due on the day, breached ones, and those still open after 24 hours."""

    name: str
    level: Level
    due: int
    overdue: int
    overdue_over_7d: int

    @property
    def breached(self) -> int:
        """The headline: cases due on the day that were not closed within 24 hours."""
        return int(self.level.value)

    @property
    def is_alarming(self) -> bool:
        """Only more than usual is alarming: fewer breached cases are as it should be."""
        return self.level.change is Change.MORE

    @property
    def excess(self) -> float:
        """Breached cases above the usual level."""
        return self.level.value - (self.level.usual or 0)

    @property
    def of_due(self) -> str:
        """The headline in words."""
        breached, due = number(self.breached), number(self.due)
        return ru.BREACHED_OF_DUE.format(breached=breached, due=due)

    @property
    def usual(self) -> str:
        """The usual level in words, empty where there is none."""
        known = self.level.usual
        return "" if known is None else ru.USUALLY.format(usual=number(known))

    def verdict(self) -> str:
        """Say the alarm as a verdict."""
        said = counted(self.breached, ru.BREACHED_VERDICTS[self.name])
        return ru.BREACHED_VERDICT.format(counted=said, usual=number(self.level.usual or 0))

    def numbers(self) -> dict[str, Any]:
        """Return the numbers shown."""
        return {
            "breached": self.breached,
            "due": self.due,
            "usual": self.level.usual,
            "overdue": self.overdue,
            "overdue_over_7d": self.overdue_over_7d,
        }


@dataclass(frozen=True)
class Processes(Part):
    """The processes in the order of the journey."""

    NAME: ClassVar[str] = ru.PART_PROCESSES
    FRAME: ClassVar[str] = names.UNCLOSED_PROCESSES
    NUMBERS: ClassVar[tuple[str, ...]] = (names.UNCLOSED_PROCESSES,)

    about: ReportDay
    each: tuple[ProcessDay, ...]

    @classmethod
    def of(cls, inputs: ReportInputs) -> Self | None:
        """Read the day's rows; a usual level is that of the comparable days."""
        frame = inputs.frames.get(names.UNCLOSED_PROCESSES)
        if frame is None or frame.empty:
            return None
        rows = {row["process"]: row for row in frame.to_dict("records")}
        named = [process.name for process in PROCESSES if process.name in rows]
        return cls(inputs.about, tuple(_process_day(name, rows[name], inputs) for name in named))

    @classmethod
    def absence(cls, about: ReportDay) -> str:
        """Name the day without data."""
        return ru.MISSING_PROCESSES.format(day=day_and_month(about.day))

    @staticmethod
    def headlines(numbers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield breached of due by process."""
        for name, process in (numbers.get(names.UNCLOSED_PROCESSES) or {}).items():
            breached, due = number(process["breached"]), number(process["due"])
            yield name.lower(), ru.BREACHED_OF_DUE.format(breached=breached, due=due)

    @property
    def is_compared(self) -> bool:
        """Whether a process has a usual level."""
        return any(process.level.usual is not None for process in self.each)

    def news(self) -> Sequence[News]:
        """More breached cases than usual are an alarm."""
        return [
            News(VerdictKind.ALARM, process.verdict(), Rank.PROCESSES, process.excess)
            for process in self._worst_first()
        ]

    def caption_lines(self) -> Sequence[str]:
        """Say what stands out in at most three lines: the worst first, the rest in one."""
        worst = self._worst_first()
        named = worst if len(worst) <= MOST_LINES else worst[: MOST_LINES - 1]
        lines = [
            ru.BREACHED_LINE.format(
                process=process.name, of_due=process.of_due, usual=number(process.level.usual or 0)
            )
            for process in named
        ]
        others = [f"{process.name} {process.of_due}" for process in worst[len(named) :]]
        also = [ru.ALSO_BREACHED_LINE.format(processes=", ".join(others))] if others else []
        return [*lines, *also]

    def numbers(self) -> dict[str, Any]:
        """Return the numbers of each process by its name."""
        return {names.UNCLOSED_PROCESSES: {one.name: one.numbers() for one in self.each}}

    def block(self) -> Block:
        """Draw a bar per process, breached of due, with its usual level."""
        title = Block((section_title(ru.PROCESSES_TITLE),), 56)
        rows = Block(tuple(self._rows()), ROW * len(self.each) + 8)
        return stacked([title, self._legend(), rows, small_lines([self._overdue_line()])])

    def _worst_first(self) -> list[ProcessDay]:
        alarming = [process for process in self.each if process.is_alarming]
        return sorted(alarming, key=lambda process: -process.excess)

    def _legend(self) -> Block:
        words = [(BREACHED, ru.LONGER_THAN_24H), (TRACK, ru.WITHIN_24H)]
        marks: list[Mark] = []
        left: float = MARGIN
        for color, word in words:
            said = Text(left + 40, 28, word, SMALL_SIZE, color=MUTED)
            marks += [Box(left, 4, 28, 28, color), said]
            left += 40 + said.width + 40
        if self.is_compared:
            usual = ru.USUAL_ON_WEEKDAY.format(when=ru.ON_WEEKDAY[self.about.day.weekday()])
            mark = Box(left, 0, 6, 36, INK)
            marks += [mark, Text(left + 20, 28, usual, SMALL_SIZE, color=MUTED)]
        return Block(tuple(marks), 52)

    def _rows(self) -> Iterator[Mark]:
        """Draw the rows in columns: name, bar, number, usual level."""
        labels = max(text_width(each.name, BODY_SIZE, is_bold=True) for each in self.each)
        values = max(text_width(_shown(each), BODY_SIZE, is_bold=True) for each in self.each)
        usuals = max(text_width(each.usual, SMALL_SIZE, is_bold=False) for each in self.each)
        left, usual_left = MARGIN + labels + 24, RIGHT - usuals
        value_left = usual_left - (24 if usuals else 0) - values
        scale = (value_left - 24 - left) / max(1, *(_longest(each) for each in self.each))
        for i, process in enumerate(self.each):
            color = ALARM if process.is_alarming else INK
            weight = "bold" if process.is_alarming else "normal"
            middle = ROW * i + 42
            yield Text(MARGIN, middle, process.name, BODY_SIZE, weight, color)
            yield from _bar(process, left, ROW * i + 10, scale)
            yield _value_text(process, value_left, middle, color)
            yield Text(usual_left, middle, process.usual, SMALL_SIZE, color=MUTED)

    def _overdue_line(self) -> str:
        overdue = sum(process.overdue for process in self.each)
        if not overdue:
            return ru.NOBODY_OVERDUE
        old = sum(process.overdue_over_7d for process in self.each)
        line = ru.STILL_OVERDUE.format(count=number(overdue))
        return ru.STILL_OVERDUE_OLD.format(count=line, old=number(old)) if old else line


def _process_day(name: str, row: Mapping[Hashable, Any], inputs: ReportInputs) -> ProcessDay:
    overdue = [int(row[column]) for column in OVERDUE_COLUMNS]
    return ProcessDay(
        name=name,
        level=judged(int(row["breached"]), _breached_before(name, inputs)),
        due=int(row["due"]),
        overdue=sum(overdue),
        overdue_over_7d=overdue[-1],
    )


def _breached_before(name: str, inputs: ReportInputs) -> Sequence[float]:
    before, about = inputs.before.get(names.UNCLOSED_PROCESSES), inputs.about
    if before is None:
        return []
    first_day = about.history_first_day + FIRST_DUE
    compared = comparable_days(about.day, first_day, about.flawed_days)
    rows = before[(before["process"] == name) & before["day"].isin(compared)]
    return rows["breached"].dropna().astype("int64").tolist()


def _shown(process: ProcessDay) -> str:
    if not process.due:
        return ru.NOTHING_DUE
    return f"{MORE_SIGN} {process.of_due}" if process.is_alarming else process.of_due


def _value_text(process: ProcessDay, left: float, baseline: float, color: str) -> Text:
    if not process.due:
        return Text(left, baseline, ru.NOTHING_DUE, SMALL_SIZE, color=MUTED)
    return Text(left, baseline, _shown(process), BODY_SIZE, "bold", color)


def _longest(process: ProcessDay) -> float:
    return max(process.due, process.level.usual or 0)


def _bar(process: ProcessDay, left: float, top: float, scale: float) -> Iterator[Box]:
    breached = max(process.breached * scale, 4 if process.breached else 0)
    yield Box(left, top, process.due * scale, BAR_HEIGHT, TRACK)
    yield Box(left, top, breached, BAR_HEIGHT, ALARM if process.is_alarming else BREACHED)
    if process.level.usual is not None and _longest(process):
        mark = left + process.level.usual * scale
        yield Box(mark - 5, top - 6, 10, BAR_HEIGHT + 12, PAPER)
        yield Box(mark - 3, top - 6, 6, BAR_HEIGHT + 12, INK)
