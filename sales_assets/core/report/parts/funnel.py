"""The conversion funnel of one cohort: everybody, the groups of clients, and where it moved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar, Self

import pandas as pd

from sales_assets.core import journey, names
from sales_assets.core.journey import ALL_GROUPS, FIRST_LINE_PATH, MAIN_PATH, PATHS
from sales_assets.core.metrics.funnel import METRIC, cohort_clients
from sales_assets.core.metrics.metric import Metric
from sales_assets.core.metrics.values import APPOINTED, PAID, entered_clients
from sales_assets.core.report.inputs import DayEvents, ReportDay, ReportInputs
from sales_assets.core.report.page import (
    ALARM,
    BAR,
    BODY_SIZE,
    CONTENT,
    ELLIPSIS,
    INK,
    LESS_SIGN,
    MARGIN,
    MORE_SIGN,
    MUTED,
    PALE_BAR,
    PANEL,
    SMALL_SIZE,
    SMALLEST_TEXT,
    Block,
    Box,
    Mark,
    Text,
    elided,
    fitting_size,
    gap,
    section_title,
    small_lines,
    stacked,
    text_width,
    wrapped,
)
from sales_assets.core.report.part import Part, Rank, Story, VerdictKind
from sales_assets.core.report.sheet import CLIENT_COLUMN, CellKind, Sheet, SheetColumn, summed
from sales_assets.core.report.usual import Judged, judged
from sales_assets.core.report.wording import day_and_month, day_range, number, percent, sentence
from sales_assets.core.russian import report as ru
from sales_assets.core.windows import COHORT, CONVERSION, DAY

#: How groups of clients stand beside each other: by their reaction, the best first.
GROUP_ORDER = (*journey.REACTIONS, journey.GROUP_ALL_REQUESTS)
#: The stages of the ideal journey, in its order, each on the path that counts it.
STAGES = (
    (MAIN_PATH, journey.REQUEST_CREATED),
    *((FIRST_LINE_PATH, step) for step in PATHS[FIRST_LINE_PATH][1:]),
    *((MAIN_PATH, step) for step in PATHS[MAIN_PATH][1:]),
)
_ENTERED = (
    CLIENT_COLUMN,
    SheetColumn("entered_at", ru.STEP_LABELS[journey.REQUEST_CREATED], CellKind.MOMENT),
    SheetColumn("entered", ru.STEP_LABELS[journey.REQUEST_CREATED], CellKind.FIGURE),
    SheetColumn("appointed", ru.STEP_LABELS[journey.LESSON_APPOINTED], CellKind.FIGURE),
    SheetColumn("paid", ru.STEP_LABELS[journey.PURCHASE], CellKind.FIGURE),
)
BRANCH_SIGN = "↳"
#: With more groups, columns are too narrow for their numbers: groups become rows.
MOST_COLUMNS = 4
MOST_NAME_LINES = 3
STAGE_ROW = 54
GROUP_GAP = 24
GROUP_ROW = 100
ROWS_HEAD = 76
SHARE_BAR = 10


@dataclass(frozen=True)
class Stage:
    """How many clients of a group got to a step, and their share of the group's entries."""

    path: str
    step: str
    users: int
    share: float

    @property
    def label(self) -> str:
        """The step's name, with a sign where it lies on the branch."""
        label = ru.STEP_LABELS[self.step]
        return f"{BRANCH_SIGN} {label}" if self.path == FIRST_LINE_PATH else label


@dataclass(frozen=True)
class ClientGroup:
    """A group of clients with its stages in the order of the journey."""

    name: str
    stages: tuple[Stage, ...]

    @classmethod
    def of(cls, frame: pd.DataFrame, name: str) -> Self:
        """Read the group's rows of the funnel's frame; a step without a row is 0."""
        rows = frame[frame["group"] == name].set_index(["path", "step"])
        users, shares = rows["users"].to_dict(), rows["share"].fillna(0.0).to_dict()
        stages = [
            Stage(path, step, int(users.get((path, step), 0)), float(shares.get((path, step), 0.0)))
            for path, step in STAGES
        ]
        return cls(name, tuple(stages))

    @property
    def entries(self) -> int:
        """Clients with a request."""
        return self.stages[0].users

    def numbers(self) -> dict[str, Any]:
        """Return users and share by path and step."""
        numbers: dict[str, Any] = {stage.path: {} for stage in self.stages}
        for stage in self.stages:
            numbers[stage.path][stage.step] = {"users": stage.users, "share": stage.share}
        return numbers


@dataclass(frozen=True)
class Funnel(Part):
    """The funnel of one cohort: everybody, the client groups, and where it moved, if it did.

    `appointed` and `paid` are judged by entry day, not by the drawn week. `moved_step` is the step
    between appointment and purchase whose share differs most from the usual one.
    """

    NAME: ClassVar[str] = ru.PART_FUNNEL
    MISSING: ClassVar[str] = ru.MISSING_FUNNEL_PART
    FRAME: ClassVar[str] = names.CONVERSION_FUNNEL
    METRIC: ClassVar[Metric | None] = METRIC
    NUMBERS: ClassVar[tuple[str, ...]] = (names.CONVERSION_FUNNEL, APPOINTED, PAID)
    KEY: ClassVar[str] = "funnel"

    about: ReportDay
    everybody: ClientGroup
    groups: tuple[ClientGroup, ...]
    appointed: Judged
    paid: Judged
    moved_step: str

    @classmethod
    def of(cls, inputs: ReportInputs) -> Self | None:
        """Read the groups; None, too, where the cohort is older than the history."""
        frame, about = inputs.frames.get(names.CONVERSION_FUNNEL), inputs.about
        if frame is None or frame.empty or cls.reason(about) or cls.not_yet(about):
            return None
        everybody = ClientGroup.of(frame, ALL_GROUPS)
        named = sorted(set(frame["group"]) - {ALL_GROUPS}, key=_group_order)
        return cls(
            about=about,
            everybody=everybody,
            groups=tuple(ClientGroup.of(frame, name) for name in named),
            appointed=judged(APPOINTED, inputs),
            paid=judged(PAID, inputs),
            moved_step=_moved_step(everybody, inputs.usual_steps),
        )

    @classmethod
    def missing_name(cls, about: ReportDay) -> str:
        """Name the cohort's funnel."""
        return ru.MISSING_FUNNEL.format(cohort=_cohort(about))

    @classmethod
    def not_yet(cls, about: ReportDay) -> str | None:
        """Say that the cohort is older than the history."""
        _, last = COHORT.days(about.day)
        if last >= about.history_first_day:
            return None
        return ru.BEFORE_HISTORY_NOTE.format(cohort=_cohort(about))

    @staticmethod
    def headlines(numbers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield the purchases of the entries."""
        everybody = (numbers.get(names.CONVERSION_FUNNEL) or {}).get(ALL_GROUPS)
        if everybody:
            bought = number(everybody[MAIN_PATH][journey.PURCHASE]["users"])
            entries = number(everybody[MAIN_PATH][journey.REQUEST_CREATED]["users"])
            said = ru.BREACHED_OF_DUE.format(breached=bought, due=entries)
            yield ru.FUNNEL_HEADLINE, said

    @property
    def judged(self) -> Sequence[Judged]:
        """The two halves of the main path."""
        return (self.appointed, self.paid)

    @property
    def _moved(self) -> list[tuple[Judged, str]]:
        """The halves that stand out, the rarer first, each with the step that is named."""
        halves = ((self.appointed, journey.LESSON_APPOINTED), (self.paid, self.moved_step))
        moved = [(half, step) for half, step in halves if half.change]
        return sorted(moved, key=lambda pair: pair[0].rarity)

    def stories(self) -> Sequence[Story]:
        """A half that rose is good news, one that fell an alarm."""
        told = []
        for half, step in self._moved:
            kind = VerdictKind.GOOD if half.change > 0 else VerdictKind.ALARM
            asked = ru.QUESTION_FUNNEL.format(step=ru.STEP_LABELS[step]) if half.change < 0 else ""
            texts, day_number = _move_texts(half, self.about), half.found.day_number
            told.append(Story(kind, Rank.FUNNEL, texts, day_number, half.rarity, question=asked))
        if any(half.is_back for half in self.judged):
            told.append(Story.back(Rank.FUNNEL, sentence(ru.PART_FUNNEL)))
        return told

    def caption_lines(self) -> Sequence[str]:
        """Say which half moved, of two the rarer."""
        return [half.on_its_day(_move_texts(half, self.about)[0]) for half, _ in self._moved[:1]]

    def footnotes(self) -> Sequence[str]:
        """Say that the history cuts the cohort."""
        first, _ = COHORT.days(self.about.day)
        if first >= self.about.history_first_day:
            return ()
        since = day_and_month(self.about.history_first_day)
        return (ru.CUT_COHORT_NOTE.format(cohort=_cohort(self.about), day=since),)

    def numbers(self) -> dict[str, Any]:
        """Return every group's stages."""
        groups = (self.everybody, *self.groups)
        return {names.CONVERSION_FUNNEL: {one.name: one.numbers() for one in groups}}

    @classmethod
    def sheets(cls, events: DayEvents, numbers: Mapping[str, Any]) -> Iterator[Sheet]:
        """Yield the cohort's clients on each path, with the sums of all and of every group."""
        told = numbers.get(names.CONVERSION_FUNNEL)
        if not told:
            return
        groups = sorted(told.items(), key=lambda one: (one[0] != ALL_GROUPS, _group_order(one[0])))
        for path, rows in cohort_clients(events.log, events.days).items():
            # The branch shares its entry with the main path, which counts it.
            steps = {n: step for n, step in enumerate(PATHS[path]) if (path, step) in STAGES}
            sums = [
                summed(
                    ru.TOTAL if group == ALL_GROUPS else group,
                    rows if group == ALL_GROUPS else rows[rows["group"] == group],
                    {f"got_to_{n}": shown[path][step]["users"] for n, step in steps.items()},
                )
                for group, shown in groups
            ]
            yield Sheet(ru.FUNNEL_SHEETS[path], _sheet_columns(path), rows, tuple(sums))
        yield from cls._sheet_of_entry_day(events, numbers)

    @classmethod
    def _sheet_of_entry_day(cls, events: DayEvents, numbers: Mapping[str, Any]) -> Iterator[Sheet]:
        """Yield the clients of the judged entry day, where the picture names their number."""
        appointed, paid = halves = [numbers.get(name) or {} for name in (APPOINTED, PAID)]
        if any(half.get("change") and half["window"] == 1 for half in halves):
            rows = entered_clients(events.log, events.days)
            shown = {"entered": appointed.get("of"), "appointed": appointed.get("value")}
            shown["paid"] = paid.get("value")
            known = {name: value for name, value in shown.items() if value is not None}
            sums = summed(ru.TOTAL, rows, known)
            title = ru.ENTRY_SHEET.format(day=day_and_month(events.day - CONVERSION))
            yield Sheet(title, _ENTERED, rows, (sums,))

    def block(self) -> Block:
        """Draw the stages of each group: in columns, or in rows where the names are long."""
        title = Block((section_title(ru.FUNNEL_TITLE),), 48)
        bound = [ru.FUNNEL_BOUND] if self.about.is_cut else []
        summary = small_lines([self._summary(), *bound])
        if not self.everybody.entries:
            return stacked([title, summary])
        moves = []
        for half, _ in self._moved:
            sign, color = (LESS_SIGN, ALARM) if half.change < 0 else (MORE_SIGN, INK)
            said = f"{sign} {_move_texts(half, self.about)[0]}"
            size = fitting_size(said, CONTENT, (BODY_SIZE, SMALL_SIZE, SMALLEST_TEXT), is_bold=True)
            moves.append(Block((Text(MARGIN, 30, said, size, "bold", color),), 44))
        groups = self.groups or (replace(self.everybody, name=journey.GROUP_ALL_REQUESTS),)
        layout = self._columns if _fit_columns(groups) else self._rows
        legend = small_lines([ru.BRANCH_LEGEND])
        return stacked([title, summary, *moves, gap(8), layout(groups), legend])

    def _summary(self) -> str:
        entries, bought = self.everybody.entries, self.everybody.stages[-1]
        cohort = _cohort(self.about)
        if not entries:
            return ru.FUNNEL_EMPTY.format(cohort=cohort)
        said = f"{number(bought.users)} ({percent(bought.share)})"
        told = ru.FUNNEL_SUMMARY.format(cohort=cohort, entries=number(entries), bought=said)
        # Who was reached on the second day stands in a group of those who weren't.
        return f"{told}; {ru.FUNNEL_GROUPS}" if len(self.groups) > 1 else told

    def _has_fallen(self, stage: Stage) -> bool:
        """Tell whether this is a stage that fell, on the main path: it is marked."""
        fallen = [step for half, step in self._moved if half.change < 0]
        return stage.path == MAIN_PATH and stage.step in fallen

    def _columns(self, groups: Sequence[ClientGroup]) -> Block:
        pitch, headings = _column_pitch(groups), _column_names(groups)
        lefts = [MARGIN + _label_width() + pitch * column for column in range(len(groups))]
        head = 38 * max(map(len, headings)) + 4
        marks: list[Mark] = [
            Text(left, 28 + 38 * line, text, SMALL_SIZE, "bold")
            for left, lines in zip(lefts, headings, strict=True)
            for line, text in enumerate(lines)
        ]
        for row, stage in enumerate(self.everybody.stages):
            top = head + STAGE_ROW * row
            label, style = stage.label, ("normal", INK)
            if self._has_fallen(stage):
                label, style = f"{LESS_SIGN} {label}", ("bold", ALARM)
            marks.append(Text(MARGIN, top + 36, label, BODY_SIZE, *style))
            for left, group in zip(lefts, groups, strict=True):
                cell = group.stages[row]
                shown = f"{number(cell.users)} · {percent(cell.share)}" if cell.users else number(0)
                marks += _cell(cell, shown, left, top, pitch - GROUP_GAP)
        return Block(tuple(marks), head + STAGE_ROW * len(STAGES) + 10)

    def _rows(self, groups: Sequence[ClientGroup]) -> Block:
        """Give each group a row, with its name over the whole width."""
        pitch = (CONTENT + GROUP_GAP) / len(STAGES)
        lefts = [MARGIN + pitch * column for column in range(len(STAGES))]
        marks: list[Mark] = []
        for left, stage in zip(lefts, self.everybody.stages, strict=True):
            # Broken before its last word, two lines fit over a narrow column.
            lines, style = stage.label.rsplit(" ", 1), ("normal", INK)
            if self._has_fallen(stage):
                lines[-1], style = f"{lines[-1]} {LESS_SIGN}", ("bold", ALARM)
            for i, line in enumerate(lines):
                marks.append(Text(left, 26 + 36 * i, line, SMALLEST_TEXT, *style))
        for row, group in enumerate(groups):
            top = ROWS_HEAD + GROUP_ROW * row
            name = elided(sentence(group.name), CONTENT, SMALL_SIZE, is_bold=True)
            marks.append(Text(MARGIN, top + 28, name, SMALL_SIZE, "bold"))
            for left, stage in zip(lefts, group.stages, strict=True):
                is_share = stage.users and stage.step != journey.REQUEST_CREATED
                shown = percent(stage.share) if is_share else number(stage.users)
                marks += _cell(stage, shown, left, top + 36, pitch - GROUP_GAP)
        return Block(tuple(marks), ROWS_HEAD + GROUP_ROW * len(groups) + 6)


def _sheet_columns(path: str) -> tuple[SheetColumn, ...]:
    steps = list(enumerate(PATHS[path]))
    times = [
        SheetColumn(f"at_{n}", ru.COLUMN_STEP.format(step=ru.STEP_LABELS[step]), CellKind.MOMENT)
        for n, step in steps
    ]
    figures = [
        SheetColumn(f"got_to_{n}", ru.STEP_LABELS[step], CellKind.FIGURE)
        for n, step in steps
        if (path, step) in STAGES
    ]
    return (SheetColumn("group", ru.COLUMN_GROUP), CLIENT_COLUMN, *times, *figures)


def _cohort(about: ReportDay) -> str:
    return day_range(*COHORT.days(about.day))


def _group_order(name: str) -> tuple[int, int, str]:
    """Order groups by what happened to them, not by size: a day's order is every day's order.

    Within one reaction the plain name stands before the ones with a word put before it.
    """
    # The name of one group ends another's: the longer one is looked for first.
    by_length = sorted(GROUP_ORDER, key=len, reverse=True)
    kind = next((kind for kind in by_length if kind in name), None)
    number_of_kind = GROUP_ORDER.index(kind) if kind else len(GROUP_ORDER)
    return number_of_kind, name.find(kind or ""), name


def _moved_step(everybody: ClientGroup, usual: pd.DataFrame | None) -> str:
    """Return the step whose share of the one before differs most; the purchase without a usual."""
    if usual is None or usual.empty:
        return journey.PURCHASE
    main = usual[usual["path"] == MAIN_PATH].set_index("step")["share"]
    now = {stage.step: stage.share for stage in everybody.stages if stage.path == MAIN_PATH}
    pairs = list(pairwise(PATHS[MAIN_PATH]))[1:]

    def difference(pair: tuple[str, str]) -> float:
        before, step = pair
        return abs(_ratio(now[step], now[before]) - _ratio(main[step], main[before]))

    return max(pairs, key=difference)[1]


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _move_texts(half: Judged, about: ReportDay) -> tuple[str, str]:
    """Say what the clients of the entry days did; the window's days entered a week before."""
    found, last = half.found, about.day - CONVERSION
    first = last - (found.window - 1) * DAY
    words = {
        "days": day_and_month(last) if first == last else day_range(first, last),
        "step": ru.APPOINTED_CLIENTS if half.series == APPOINTED else ru.PAID_OF_APPOINTED,
        "value": number(found.window_value or half.value),
        "usual": half.range if first == last else number(round(found.window_usual or 0)),
    }
    return ru.FUNNEL_VERDICT.format(**words), ru.FUNNEL_SHORT.format(**words)


def _label_width() -> float:
    labels = [Stage(path, step, 0, 0).label for path, step in STAGES]
    return max(text_width(label, BODY_SIZE, is_bold=True) for label in labels) + 42


def _column_pitch(groups: Sequence[ClientGroup]) -> float:
    return (CONTENT - _label_width() + GROUP_GAP) / len(groups)


def _column_names(groups: Sequence[ClientGroup]) -> list[list[str]]:
    width = _column_pitch(groups) - GROUP_GAP
    return [wrapped(sentence(group.name), width, SMALL_SIZE, is_bold=True) for group in groups]


def _fit_columns(groups: Sequence[ClientGroup]) -> bool:
    """Tell whether the groups' names and numbers can be read in columns side by side."""
    if len(groups) > MOST_COLUMNS:
        return False
    headings = _column_names(groups)
    is_cut = any(ELLIPSIS in line for lines in headings for line in lines)
    return not is_cut and max(map(len, headings)) <= MOST_NAME_LINES


def _cell(stage: Stage, shown: str, left: float, top: float, width: float) -> Iterator[Mark]:
    """Write the number over its bar, never across it."""
    size = fitting_size(shown, width, (SMALL_SIZE, SMALLEST_TEXT), is_bold=False)
    yield Text(left, top + 30, shown, size, color=INK if stage.users else MUTED)
    fill = PALE_BAR if stage.path == FIRST_LINE_PATH else BAR
    yield Box(left, top + 38, width, SHARE_BAR, PANEL)
    yield Box(left, top + 38, max(width * stage.share, 3 if stage.users else 0), SHARE_BAR, fill)
