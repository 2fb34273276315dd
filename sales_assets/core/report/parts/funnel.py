"""The conversion funnel of one cohort: everybody, the groups of clients, and where it moved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, ClassVar, Self

import pandas as pd

from sales_assets.core import journey, names
from sales_assets.core.journey import ALL_GROUPS, FIRST_LINE_PATH, MAIN_PATH, PATHS
from sales_assets.core.report.levels import Change, judged
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
from sales_assets.core.report.part import News, Part, Rank, ReportDay, ReportInputs, VerdictKind
from sales_assets.core.report.wording import day_and_month, day_range, number, percent, sentence
from sales_assets.core.report.workdays import comparable_days, has_holiday_cohort
from sales_assets.core.russian import report as ru
from sales_assets.core.windows import COHORT, DAY

#: How groups of clients stand beside each other: by their reaction, the best first.
GROUP_ORDER = (
    journey.GROUP_BOOKED_THEMSELVES,
    journey.GROUP_REACHED,
    journey.GROUP_CALLED_IN_VAIN,
    journey.GROUP_NO_REACTION,
    journey.GROUP_ALL_REQUESTS,
)
#: The stages of the ideal journey, in its order, each on the path that counts it.
STAGES = (
    (MAIN_PATH, journey.REQUEST_CREATED),
    *((FIRST_LINE_PATH, step) for step in PATHS[FIRST_LINE_PATH][1:]),
    *((MAIN_PATH, step) for step in PATHS[MAIN_PATH][1:]),
)
FUNNEL_MOVE = "funnel_move"

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
    """A group of clients with its seven stages in the order of the journey."""

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
class FunnelMove:
    """The first step of the main path whose share of the entries stands out."""

    step: str
    share: float
    usual: float
    change: Change

    @property
    def words(self) -> dict[str, str]:
        """The step, its share and the usual one, for people."""
        label = ru.STEP_LABELS[self.step]
        return {"step": label, "share": percent(self.share), "usual": percent(self.usual)}


@dataclass(frozen=True)
class Funnel(Part):
    """The funnel of one cohort: everybody, the client groups, and where it moved, if it did."""

    NAME: ClassVar[str] = ru.PART_FUNNEL
    FRAME: ClassVar[str] = names.CONVERSION_FUNNEL
    NUMBERS: ClassVar[tuple[str, ...]] = (names.CONVERSION_FUNNEL, FUNNEL_MOVE)

    about: ReportDay
    everybody: ClientGroup
    groups: tuple[ClientGroup, ...]
    move: FunnelMove | None

    @classmethod
    def of(cls, inputs: ReportInputs) -> Self | None:
        """Read the groups; None, too, where the cohort is older than the history."""
        frame = inputs.frames.get(names.CONVERSION_FUNNEL)
        if frame is None or frame.empty or _is_before_history(inputs.about):
            return None
        everybody = ClientGroup.of(frame, ALL_GROUPS)
        named = sorted(set(frame["group"]) - {ALL_GROUPS}, key=_group_order)
        groups = tuple(ClientGroup.of(frame, name) for name in named)
        return cls(inputs.about, everybody, groups, _move(everybody, inputs))

    @classmethod
    def absence(cls, about: ReportDay) -> str:
        """Name the cohort without data."""
        return ru.MISSING_FUNNEL_PART.format(cohort=_cohort(about))

    @classmethod
    def missing_name(cls, about: ReportDay) -> str:
        """Name the cohort's funnel."""
        return ru.MISSING_FUNNEL.format(cohort=_cohort(about))

    @classmethod
    def not_yet(cls, about: ReportDay) -> str | None:
        """Say that the cohort is older than the history."""
        if not _is_before_history(about):
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

    def news(self) -> Sequence[News]:
        """A step that rose is good news, one that fell an alarm."""
        if self.move is None:
            return ()
        kind = VerdictKind.GOOD if self.move.change is Change.MORE else VerdictKind.ALARM
        return (News(kind, ru.FUNNEL_VERDICT.format(**self.move.words), Rank.FUNNEL),)

    def caption_lines(self) -> Sequence[str]:
        """Say which step moved."""
        if self.move is None:
            return ()
        return (ru.FUNNEL_LINE.format(cohort=_cohort(self.about), **self.move.words),)

    def footnotes(self) -> Sequence[str]:
        """Say that the history cuts the cohort."""
        first, _ = COHORT.days(self.about.day)
        if first >= self.about.history_first_day:
            return ()
        since = day_and_month(self.about.history_first_day)
        return (ru.CUT_COHORT_NOTE.format(cohort=_cohort(self.about), day=since),)

    def numbers(self) -> dict[str, Any]:
        """Return every group's stages, and the step that moved."""
        move = self.move
        return {
            names.CONVERSION_FUNNEL: {
                group.name: group.numbers() for group in (self.everybody, *self.groups)
            },
            FUNNEL_MOVE: None
            if move is None
            else {"step": move.step, "share": move.share, "usual_share": move.usual},
        }

    def block(self) -> Block:
        """Draw the stages of each group: in columns, or in rows where the names are long."""
        title = Block((section_title(ru.FUNNEL_TITLE),), 48)
        summary = small_lines([self._summary()])
        if not self.everybody.entries:
            return stacked([title, summary])
        groups = self.groups or (replace(self.everybody, name=journey.GROUP_ALL_REQUESTS),)
        layout = self._columns if _fit_columns(groups) else self._rows
        parts = [title, summary, self._move_line(), gap(8)]
        return stacked([*parts, layout(groups), small_lines([ru.BRANCH_LEGEND])])

    def _summary(self) -> str:
        entries, bought = self.everybody.entries, self.everybody.stages[-1]
        if not entries:
            return ru.FUNNEL_EMPTY.format(cohort=_cohort(self.about))
        users, share = number(bought.users), percent(bought.share)
        said = ru.FUNNEL_BOUGHT_SHARE.format(users=users, share=share)
        return ru.FUNNEL_SUMMARY.format(
            cohort=_cohort(self.about), entries=number(entries), bought=said
        )

    def _move_line(self) -> Block:
        if self.move is None:
            return gap(0)
        has_fallen = self.move.change is Change.LESS
        sign, color = (LESS_SIGN, ALARM) if has_fallen else (MORE_SIGN, INK)
        said = f"{sign} {ru.FUNNEL_MOVE.format(**self.move.words)}"
        return Block((Text(MARGIN, 30, said, BODY_SIZE, "bold", color),), 44)

    def _has_fallen(self, stage: Stage) -> bool:
        """Tell whether this is the one stage that fell, on the main path: it is marked."""
        if self.move is None or self.move.change is not Change.LESS:
            return False
        return (stage.path, stage.step) == (MAIN_PATH, self.move.step)

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
            marks.append(_row_label(stage, top, has_fallen=self._has_fallen(stage)))
            for left, group in zip(lefts, groups, strict=True):
                marks += _stage_cell(group.stages[row], left, top, pitch - GROUP_GAP)
        return Block(tuple(marks), head + STAGE_ROW * len(STAGES) + 10)

    def _rows(self, groups: Sequence[ClientGroup]) -> Block:
        """Give each group a row, with its name over the whole width."""
        pitch = (CONTENT + GROUP_GAP) / len(STAGES)
        lefts = [MARGIN + pitch * column for column in range(len(STAGES))]
        marks: list[Mark] = []
        for left, stage in zip(lefts, self.everybody.stages, strict=True):
            marks += _column_label(stage, left, has_fallen=self._has_fallen(stage))
        for row, group in enumerate(groups):
            top = ROWS_HEAD + GROUP_ROW * row
            name = elided(sentence(group.name), CONTENT, SMALL_SIZE, is_bold=True)
            marks.append(Text(MARGIN, top + 28, name, SMALL_SIZE, "bold"))
            for left, stage in zip(lefts, group.stages, strict=True):
                marks += _share_cell(stage, left, top + 34, pitch - GROUP_GAP)
        return Block(tuple(marks), ROWS_HEAD + GROUP_ROW * len(groups) + 6)


def _cohort(about: ReportDay) -> str:
    return day_range(*COHORT.days(about.day))


def _is_before_history(about: ReportDay) -> bool:
    _, last = COHORT.days(about.day)
    return last < about.history_first_day


def _group_order(name: str) -> tuple[int, int, str]:
    """Order groups by what happened to them, not by size: a day's order is every day's order.

    Within one reaction the plain name stands before the ones with a word put before it.
    """
    # The name of one group ends another's: the longer one is looked for first.
    by_length = sorted(GROUP_ORDER, key=len, reverse=True)
    kind = next((kind for kind in by_length if kind in name), None)
    number_of_kind = GROUP_ORDER.index(kind) if kind else len(GROUP_ORDER)
    return number_of_kind, name.find(kind or ""), name


def _move(everybody: ClientGroup, inputs: ReportInputs) -> FunnelMove | None:
    steps = [stage for stage in everybody.stages[1:] if stage.path == MAIN_PATH]
    moves = (_move_of(stage, everybody.entries, inputs) for stage in steps)
    return next((move for move in moves if move), None)


def _move_of(stage: Stage, entries: int, inputs: ReportInputs) -> FunnelMove | None:
    """Judge a step in clients: as many as today's entries had brought at the shares of before."""
    shares = _shares_before(stage.step, inputs)
    level = judged(stage.users, [share * entries for share in shares])
    if level.change is Change.USUAL:
        return None
    return FunnelMove(stage.step, stage.share, median(shares), level.change)


def _shares_before(step: str, inputs: ReportInputs) -> Sequence[float]:
    before, about = inputs.before.get(names.CONVERSION_FUNNEL), inputs.about
    if before is None:
        return []
    first_whole_cohort = about.history_first_day + COHORT.since - DAY
    compared = comparable_days(about.day, first_whole_cohort, about.flawed_days, has_holiday_cohort)
    is_compared = (before["path"] == MAIN_PATH) & before["day"].isin(compared)
    return before.loc[is_compared & (before["step"] == step), "share"].dropna().tolist()


def _share_bar(stage: Stage, left: float, top: float, width: float) -> Iterator[Box]:
    fill = PALE_BAR if stage.path == FIRST_LINE_PATH else BAR
    yield Box(left, top, width, SHARE_BAR, PANEL)
    yield Box(left, top, max(width * stage.share, 3 if stage.users else 0), SHARE_BAR, fill)


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
    is_whole = all("".join(heading).count(ELLIPSIS) == 0 for heading in headings)
    return is_whole and max(map(len, headings)) <= MOST_NAME_LINES


def _row_label(stage: Stage, top: float, *, has_fallen: bool) -> Text:
    if has_fallen:
        return Text(MARGIN, top + 36, f"{LESS_SIGN} {stage.label}", BODY_SIZE, "bold", ALARM)
    return Text(MARGIN, top + 36, stage.label, BODY_SIZE)


def _stage_cell(stage: Stage, left: float, top: float, width: float) -> Iterator[Mark]:
    """Write the number over its bar, never across it."""
    shown = f"{number(stage.users)} · {percent(stage.share)}" if stage.users else number(0)
    size = fitting_size(shown, width, (SMALL_SIZE, SMALLEST_TEXT), is_bold=False)
    yield Text(left, top + 30, shown, size, color=INK if stage.users else MUTED)
    yield from _share_bar(stage, left, top + 38, width)


def _column_label(stage: Stage, left: float, *, has_fallen: bool) -> list[Mark]:
    """Break the label before its last word, so that two lines fit over a narrow column."""
    lines = stage.label.rsplit(" ", 1)
    if not has_fallen:
        return [Text(left, 26 + 36 * i, line, SMALLEST_TEXT) for i, line in enumerate(lines)]
    signed = [*lines[:-1], f"{lines[-1]} {LESS_SIGN}"]
    return [
        Text(left, 26 + 36 * i, line, SMALLEST_TEXT, "bold", ALARM) for i, line in enumerate(signed)
    ]


def _share_cell(stage: Stage, left: float, top: float, width: float) -> Iterator[Mark]:
    is_entry = stage.step == journey.REQUEST_CREATED
    shown = percent(stage.share) if stage.users and not is_entry else number(stage.users)
    yield Text(left, top + 32, shown, SMALL_SIZE, color=INK if stage.users else MUTED)
    yield from _share_bar(stage, left, top + 40, width)
