"""Unclosed processes: of the promises that fell due on the day, those that were broken."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, ClassVar, Self

from sales_assets.core import names
from sales_assets.core.journey import PROCESSES, Process
from sales_assets.core.judgement import handling
from sales_assets.core.metrics.metric import Metric
from sales_assets.core.metrics.processes import METRIC, OVERDUE_COLUMNS
from sales_assets.core.metrics.values import REQUESTS, requesting_clients
from sales_assets.core.report.inputs import DayEvents, ReportDay, ReportInputs
from sales_assets.core.report.page import (
    ALARM,
    BODY_SIZE,
    INK,
    LESS_SIGN,
    MARGIN,
    MORE_SIGN,
    RIGHT,
    SMALL_SIZE,
    Block,
    Box,
    Mark,
    Text,
    elided,
    gap,
    section_title,
    small_lines,
    small_text,
    stacked,
    text_width,
)
from sales_assets.core.report.part import Part, Rank, Story, VerdictKind
from sales_assets.core.report.sheet import (
    CASE_COLUMNS,
    CLIENT_COLUMN,
    ENDS,
    CellKind,
    Sheet,
    SheetColumn,
    Sum,
    summed,
)
from sales_assets.core.report.usual import Judged, judged
from sales_assets.core.report.wording import counted, number
from sales_assets.core.russian import report as ru
from sales_assets.core.source_findings import PROCESS_PARTS

#: Past the promise, as usual.
BREACHED = "#5d7893"
#: Kept the promise; all that a share is a share of.
TRACK = "#d3dee8"
ROW = 62
LINE_BELOW = 40
BAR_HEIGHT = 36
RANGE_HEIGHT = 8
MOST_LINES = 3
MONDAY = 0
_DUE = (
    SheetColumn("due", ru.FIGURE_DUE, CellKind.FIGURE),
    SheetColumn("breached", ru.FIGURE_BREACHED, CellKind.FIGURE),
)
_OVERDUE = (
    SheetColumn("overdue", ru.FIGURE_OVERDUE, CellKind.FIGURE),
    SheetColumn("overdue_over_7d", ru.FIGURE_OVERDUE_OLD, CellKind.FIGURE),
)
_REQUESTS = (
    CLIENT_COLUMN,
    SheetColumn("first_at", ru.COLUMN_FIRST_REQUEST, CellKind.MOMENT),
    SheetColumn("requests", ru.COLUMN_STARTS, CellKind.COUNT),
    SheetColumn("requested", ru.NEW_REQUESTS, CellKind.FIGURE),
)


@dataclass(frozen=True)
class ProcessDay:
    """One process: cases due on the day, breached ones, and those still open after 24 hours.

    `usual_due` is how many fall due on a day like this; `is_broken_as_a_rule` says that the
    promise is broken more often than kept.
    """

    process: Process
    breached: int
    due: int
    overdue: int
    overdue_over_7d: int
    judgement: Judged
    usual_due: float | None = None
    is_broken_as_a_rule: bool = False

    @property
    def name(self) -> str:
        """What the chief calls the process."""
        return self.process.name

    @property
    def is_alarming(self) -> bool:
        """Only more than usual is alarming: fewer breached cases are as it should be."""
        return self.judgement.change > 0

    @property
    def of_due(self) -> str:
        """The headline in words."""
        breached, due = number(self.breached), number(self.due)
        return ru.BREACHED_OF_DUE.format(breached=breached, due=due)

    @property
    def split(self) -> handling.FlowAndHandling | None:
        """What the difference to an ordinary day is made of; None where that is not known."""
        share = self.judgement.usual_share
        if share is None or self.usual_due is None:
            return None
        return handling.flow_and_handling(self.breached, self.due, share, self.usual_due)

    def texts(self) -> tuple[str, ...]:
        """Say the alarm as a verdict, the longest first."""
        if self.judgement.found.window > 1:
            return self.judgement.window_texts(self.name, ru.BREACHED_WINDOWS[self.name])
        said = counted(self.breached, ru.BREACHED_VERDICTS[self.name])
        whole = ru.BREACHED_VERDICT.format(counted=said, usual=self.judgement.usual)
        return whole, ru.BREACHED_SHORT.format(counted=said)

    def numbers(self) -> dict[str, Any]:
        """Return the numbers shown."""
        return {
            "breached": self.breached,
            "due": self.due,
            "overdue": self.overdue,
            "overdue_over_7d": self.overdue_over_7d,
            "usual_due": self.usual_due,
            "split": asdict(self.split) if self.split else None,
            "is_broken_as_a_rule": self.is_broken_as_a_rule,
        }


@dataclass(frozen=True)
class Processes(Part):
    """The processes in the order of the journey, and the new requests that they follow."""

    NAME: ClassVar[str] = ru.PART_PROCESSES
    MISSING: ClassVar[str] = ru.MISSING_PROCESSES
    FRAME: ClassVar[str] = names.UNCLOSED_PROCESSES
    METRIC: ClassVar[Metric | None] = METRIC
    NUMBERS: ClassVar[tuple[str, ...]] = (names.UNCLOSED_PROCESSES, REQUESTS, *PROCESS_PARTS)
    KEY: ClassVar[str] = names.UNCLOSED_PROCESSES

    about: ReportDay
    each: tuple[ProcessDay, ...]
    requests: Judged

    @classmethod
    def of(cls, inputs: ReportInputs) -> Self | None:
        """Read the rows of the processes that can be known."""
        frame, about = inputs.frames.get(names.UNCLOSED_PROCESSES), inputs.about
        if frame is None or frame.empty or cls.reason(about):
            return None
        rows = {row["process"]: row for row in frame.to_dict("records")}
        each = tuple(
            _process_day(process, rows[process.name], inputs)
            for process in PROCESSES
            if process.name in rows and process.key not in about.not_counted
        )
        # The request is the first process's start.
        is_unknown = PROCESSES[0].key in about.not_counted
        return cls(about, each, Judged(REQUESTS) if is_unknown else judged(REQUESTS, inputs))

    @classmethod
    def reason(cls, about: ReportDay) -> str | None:
        """Return why none of the processes can be known."""
        reasons = [about.not_counted.get(process.key) for process in PROCESSES]
        return reasons[0] if all(reasons) else None

    @classmethod
    def uncounted(cls, about: ReportDay) -> Sequence[tuple[str, str]]:
        """Name each process that can't be known, or all of them at once."""
        if reason := cls.reason(about):
            return ((cls.NAME, reason),)
        found = [(each.name, about.not_counted.get(each.key)) for each in PROCESSES]
        return [(name, reason) for name, reason in found if reason]

    @staticmethod
    def headlines(numbers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield breached of due by process."""
        for name, process in (numbers.get(names.UNCLOSED_PROCESSES) or {}).items():
            breached, due = number(process["breached"]), number(process["due"])
            yield name.lower(), ru.BREACHED_OF_DUE.format(breached=breached, due=due)

    @property
    def judged(self) -> Sequence[Judged]:
        """The new requests, and each process."""
        return (self.requests, *(each.judgement for each in self.each))

    def stories(self) -> Sequence[Story]:
        """More breached than usual is an alarm, and so are few requests; many are just said."""
        alarms = [
            Story(
                VerdictKind.ALARM,
                Rank.PROCESSES,
                process.texts(),
                process.judgement.found.day_number,
                process.judgement.rarity,
                _split_words(process, self.about.day),
                ru.QUESTIONS[process.name],
            )
            for process in self._rarest_first()
        ]
        back = [Story.back(Rank.PROCESSES, one.name) for one in self.each if one.judgement.is_back]
        return [*alarms, *self._of_requests(), *back]

    def headline(self) -> str | None:
        """Say the new requests where they are news."""
        if not self.requests.change:
            return None
        value = number(self.requests.value)
        return ru.REQUESTS_LINE.format(value=value, beside=self.requests.beside)

    def caption_lines(self) -> Sequence[str]:
        """Say what stands out in at most three lines: the rarest first, the rest in one."""
        rarest = self._rarest_first()
        named = rarest if len(rarest) <= MOST_LINES else rarest[: MOST_LINES - 1]
        lines = [_caption_line(process, self.about.day) for process in named]
        others = [f"{process.name} {process.of_due}" for process in rarest[len(named) :]]
        also = [ru.ALSO_BREACHED_LINE.format(processes=", ".join(others))] if others else []
        return [*lines, *also]

    def notes(self) -> Sequence[str]:
        """Say on a Monday whose promise is broken as a rule: a bar always dark says nothing."""
        told = [process.name for process in self.each if self._is_told(process)]
        return [ru.BROKEN_LINE.format(processes=", ".join(told))] if told else []

    def numbers(self) -> dict[str, Any]:
        """Return the numbers of each process by its name."""
        return {names.UNCLOSED_PROCESSES: {one.name: one.numbers() for one in self.each}}

    @classmethod
    def sheets(cls, events: DayEvents, numbers: Mapping[str, Any]) -> Iterator[Sheet]:
        """Yield the due cases of each process, those still overdue, and the new requests."""
        told = numbers.get(names.UNCLOSED_PROCESSES) or {}
        for name in [each.name for each in PROCESSES if each.name in told]:
            shown = told[name]
            rows = events.cases.query("due == 1 and process == @name")
            total = summed(ru.TOTAL, rows, {each.name: shown[each.name] for each in _DUE})
            made_of = split_sums(name, total.counted, numbers, events.inputs)
            yield Sheet(name, (*CASE_COLUMNS[1:], *ENDS, *_DUE), rows, (*made_of, total))
        if told:
            rows = events.cases.query("overdue == 1")
            shown = {each.name: sum(one[each.name] for one in told.values()) for each in _OVERDUE}
            sums = summed(ru.TOTAL, rows, shown)
            yield Sheet(ru.OVERDUE_SHEET, (*CASE_COLUMNS, *_OVERDUE), rows, (sums,))
        if requests := numbers.get(REQUESTS):
            rows = requesting_clients(events.log, events.days)
            sums = summed(ru.TOTAL, rows, {"requested": requests["value"]})
            yield Sheet(ru.NEW_REQUESTS, _REQUESTS, rows, (sums,))

    def block(self) -> Block:
        """Draw a bar per process, breached of due, with its usual range under it."""
        title = Block((section_title(ru.PROCESSES_TITLE),), 56)
        bound = [ru.PROCESSES_BOUND] if self.about.is_cut else []
        overdue = sum(process.overdue for process in self.each)
        old = sum(process.overdue_over_7d for process in self.each)
        waiting = ru.STILL_OVERDUE.format(count=number(overdue)) if overdue else ru.NOBODY_OVERDUE
        if old:
            waiting = ru.STILL_OVERDUE_OLD.format(count=waiting, old=number(old))
        lines = small_lines([*bound, waiting])
        return stacked([title, self._legend(), self._rows(), self._requests_block(), lines])

    def _of_requests(self) -> Sequence[Story]:
        requests = self.requests
        if not requests.change:
            return (Story.back(Rank.REQUESTS, ru.NEW_REQUESTS),) if requests.is_back else ()
        kind, question = VerdictKind.CALM, ""
        words = {"value": number(requests.value), "usual": requests.usual}
        many = ru.MANY_REQUESTS_VERDICT.format(**words)
        ordinary = ru.MANY_REQUESTS_ORDINARY_HANDLING.format(**words)
        texts = (many,) if self._rarest_first() else (ordinary, many)
        if requests.change < 0:
            kind, question = VerdictKind.ALARM, ru.QUESTION_REQUESTS
            few = counted(requests.value, ru.REQUEST_FORMS)
            texts = (ru.FEW_REQUESTS_VERDICT.format(counted=few, usual=requests.usual), few)
        if requests.found.window > 1:
            texts = requests.window_texts(ru.NEW_REQUESTS)
        told = requests.found.day_number, requests.rarity
        return (Story(kind, Rank.REQUESTS, texts, *told, question=question),)

    def _is_told(self, process: ProcessDay) -> bool:
        return process.is_broken_as_a_rule and self.about.day.weekday() == MONDAY

    def _rarest_first(self) -> list[ProcessDay]:
        alarming = [process for process in self.each if process.is_alarming]
        return sorted(alarming, key=lambda process: process.judgement.rarity)

    def _legend(self) -> Block:
        said = ru.DUE_ON_WEEKDAY.format(when=ru.ON_WEEKDAY[self.about.day.weekday()])
        heading = small_text(MARGIN, 28, said)
        marks: list[Mark] = [heading]
        left = MARGIN + heading.width + 16
        for color, word in ((BREACHED, ru.LONGER_THAN_24H), (TRACK, ru.WITHIN_24H)):
            text = small_text(left + 36, 28, word)
            marks += [Box(left, 4, 26, 26, color), text]
            left += 36 + text.width + 28
        if any(process.judgement.usual for process in self.each):
            marks += [Box(left, 16, 30, RANGE_HEIGHT, INK), small_text(left + 40, 28, ru.USUAL)]
        return Block(tuple(marks), 52)

    def _below(self, process: ProcessDay) -> str:
        """Say under a row what its numbers don't: news of several days, a promise seldom kept."""
        if process.is_alarming and process.judgement.found.window > 1:
            return process.judgement.beside
        return ru.BROKEN_AS_A_RULE if self._is_told(process) else ""

    def _rows(self) -> Block:
        """Draw the rows in columns: name, bar with its usual range, number, usual range.

        A process that can't be known keeps its row, with the reason.
        """
        counted_ones = {each.process.key: each for each in self.each}
        columns = _Columns.of(self.each)
        marks: list[Mark] = []
        top = 0.0
        for process in PROCESSES:
            if one := counted_ones.get(process.key):
                marks += self._row(one, columns, top)
                top += LINE_BELOW if self._below(one) else 0
            elif reason := self.about.not_counted.get(process.key):
                said = ru.NOT_COUNTED_ROW.format(reason=reason)
                shown = elided(said, RIGHT - columns.bar, SMALL_SIZE, is_bold=False)
                marks.append(Text(MARGIN, top + 40, process.name, BODY_SIZE))
                marks.append(small_text(columns.bar, top + 40, shown))
            top += ROW
        return Block(tuple(marks), top + 8)

    def _row(self, process: ProcessDay, columns: "_Columns", top: float) -> Iterator[Mark]:
        weight, color = ("bold", ALARM) if process.is_alarming else ("normal", INK)
        yield Text(MARGIN, top + 40, process.name, BODY_SIZE, weight, color)
        scale, bar_color = columns.scale, ALARM if process.is_alarming else BREACHED
        breached = max(process.breached * scale, 4 if process.breached else 0)
        yield Box(columns.bar, top + 8, process.due * scale, BAR_HEIGHT, TRACK)
        yield Box(columns.bar, top + 8, breached, BAR_HEIGHT, bar_color)
        low, high = process.judgement.found.low, process.judgement.found.high
        if low is not None and high is not None and (process.due or high):
            left, width = columns.bar + low * scale, max((high - low) * scale, RANGE_HEIGHT)
            yield Box(left, top + 8 + BAR_HEIGHT + 4, width, RANGE_HEIGHT, INK)
        if process.due:
            yield Text(columns.value, top + 40, _shown(process), BODY_SIZE, "bold", color)
        else:
            yield small_text(columns.value, top + 40, ru.NOTHING_DUE)
        yield small_text(columns.usual, top + 40, process.judgement.usual)
        if below := self._below(process):
            yield small_text(columns.bar, top + 92, below)

    def _requests_block(self) -> Block:
        """Say the new requests, with a sign and in bold where they are news."""
        requests = self.requests
        if not requests.is_known or self.about.is_empty:
            return gap(0)
        told = ru.REQUESTS_OF_DAY.format(value=self.about.bound(requests.value))
        said = ", ".join(filter(None, [told, requests.beside]))
        if not requests.change:
            return small_lines([said], below=0)
        sign, color = (LESS_SIGN, ALARM) if requests.change < 0 else (MORE_SIGN, INK)
        return Block((Text(MARGIN, 28, f"{sign} {said}", SMALL_SIZE, "bold", color),), 40)


@dataclass(frozen=True)
class _Columns:
    """Where bars, numbers and usual ranges begin; pixels of a case."""

    bar: float
    value: float
    usual: float
    scale: float

    @classmethod
    def of(cls, each: Sequence[ProcessDay]) -> Self:
        """Give the names, numbers and ranges the room that they need, and the bars the rest."""
        labels = max(text_width(one.name, BODY_SIZE, is_bold=True) for one in PROCESSES)
        values = [text_width(_shown(one), BODY_SIZE, is_bold=True) for one in each]
        usuals = [text_width(one.judgement.usual, SMALL_SIZE, is_bold=False) for one in each]
        bar, usual = MARGIN + labels + 24, RIGHT - max(usuals, default=0)
        value = usual - (24 if any(usuals) else 0) - max(values, default=0)
        longest = max([1.0, *(max(one.due, one.judgement.found.high or 0) for one in each)])
        return cls(bar, value, usual, (value - 24 - bar) / longest)


def _process_day(process: Process, row: Mapping[Hashable, Any], inputs: ReportInputs) -> ProcessDay:
    overdue = [int(row[column]) for column in OVERDUE_COLUMNS]
    history, day, is_judged = inputs.history(process.key), inputs.about.day, not inputs.about.is_cut
    return ProcessDay(
        process=process,
        breached=int(row["breached"]),
        due=int(row["due"]),
        overdue=sum(overdue),
        overdue_over_7d=overdue[-1],
        judgement=judged(process.key, inputs),
        usual_due=handling.usual_due(history, day) if is_judged else None,
        is_broken_as_a_rule=is_judged and handling.broken_as_a_rule(history, day),
    )


def _caption_line(process: ProcessDay, day: date) -> str:
    judgement = process.judgement
    if judgement.found.window > 1:
        return judgement.on_its_day(process.texts()[0])
    words = {"process": process.name, "of_due": process.of_due, "usual": judgement.usual}
    said = ru.BREACHED_LINE.format(**words)
    return ". ".join(filter(None, [judgement.on_its_day(said), _split_words(process, day)]))


def _split_words(process: ProcessDay, day: date) -> str:
    """Say what a story of the day itself is made of; a week's has no such sum."""
    split = process.split
    if split is None or process.judgement.found.window > 1:
        return ""
    form = ru.USUAL_FLOW if split.flow == 0 else ru.MORE_FLOW if split.flow > 0 else ru.LESS_FLOW
    parts = form.format(flow=number(abs(split.flow)), handling=number(split.handling))
    weekday, usual = ru.USUAL_WEEKDAYS[day.weekday()], number(split.usual_day)
    return ru.FLOW_AND_HANDLING.format(weekday=weekday, usual=usual, parts=parts)


def split_sums(
    name: str, counted_now: Mapping[str, float], numbers: Mapping[str, Any], inputs: ReportInputs
) -> Iterator[Sum]:
    """Yield what a story of the day itself is made of; the parts add up to what was breached."""
    [key] = [each.key for each in PROCESSES if each.name == name]
    split, told = numbers[names.UNCLOSED_PROCESSES][name]["split"], numbers[key] or {}
    if not split or told["change"] <= 0 or told["window"] > 1:
        return
    one, day = judged(key, inputs), inputs.about.day
    due_usually = handling.usual_due(inputs.history(key), day)
    if one.usual_share is None or due_usually is None:
        return
    now = int(counted_now["breached"]), int(counted_now["due"])
    found = asdict(handling.flow_and_handling(*now, one.usual_share, due_usually))
    weekday = ru.USUAL_WEEKDAYS[day.weekday()]
    labels = (ru.IN_WEEKDAY.format(weekday=weekday), ru.SPLIT_FLOW, ru.SPLIT_HANDLING)
    for label, part in zip(labels, found, strict=True):
        yield Sum(label, {"breached": found[part]}, {"breached": split[part]})


def _shown(process: ProcessDay) -> str:
    if not process.due:
        return ru.NOTHING_DUE
    return f"{MORE_SIGN} {process.of_due}" if process.is_alarming else process.of_due
