"""New paying clients: the day's number beside its 28 days."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Self

import pandas as pd

from sales_assets.core import names
from sales_assets.core.report.levels import Change, Level, judged
from sales_assets.core.report.page import (
    ALARM,
    BAR,
    INK,
    LESS_SIGN,
    MARGIN,
    MORE_SIGN,
    MUTED,
    PALE_BAR,
    PANEL,
    SMALL_SIZE,
    Block,
    Box,
    Mark,
    Text,
    fitting_size,
    gap,
    section_title,
    small_lines,
    stacked,
)
from sales_assets.core.report.part import News, Part, Rank, ReportDay, ReportInputs, VerdictKind
from sales_assets.core.report.wording import counted, day_and_month, number
from sales_assets.core.report.workdays import comparable_days
from sales_assets.core.russian import report as ru
from sales_assets.core.windows import DRAWN_DAYS, NEW_SOURCE, days_up_to

HUGE_SIZES = (124, 108, 92)
CHART_LEFT = 664
CHART_TOP = 96
CHART_HEIGHT = 140
COLUMN = 20


@dataclass(frozen=True)
class NewPaying(Part):
    """New paying clients of the day; `series` are the drawn days, None where there is no value."""

    NAME: ClassVar[str] = ru.PART_NEW_PAYING
    FRAME: ClassVar[str] = names.NEW_PAYING_USERS
    NUMBERS: ClassVar[tuple[str, ...]] = (names.NEW_PAYING_USERS,)

    about: ReportDay
    level: Level
    experiment: int
    paying: int
    payments: int
    last_week: float | None
    mean_7d: float | None
    series: tuple[tuple[date, int | None], ...]

    @classmethod
    def of(cls, inputs: ReportInputs) -> Self | None:
        """Read the day's row; its usual level is that of the comparable days of the series."""
        frame, about = inputs.frames.get(names.NEW_PAYING_USERS), inputs.about
        if frame is None or frame.empty:
            return None
        row, known = frame.iloc[0], _series_by_day(inputs.before.get(names.NEW_PAYING_USERS))
        compared = comparable_days(about.day, about.history_first_day, about.flawed_days)
        value = int(row["new_paying"])
        drawn = known | {about.day: value}
        return cls(
            about=about,
            level=judged(value, [known[day] for day in compared if day in known]),
            experiment=int(row["new_paying_experiment"]),
            paying=int(row["paying"]),
            payments=int(row["payments"]),
            last_week=_number_or_none(row["same_weekday_last_week"]),
            mean_7d=_number_or_none(row["mean_7d"]),
            series=tuple((day, drawn.get(day)) for day in days_up_to(about.day, DRAWN_DAYS)),
        )

    @classmethod
    def absence(cls, about: ReportDay) -> str:
        """Name the day without data."""
        return ru.MISSING_NEW_PAYING.format(day=day_and_month(about.day))

    @staticmethod
    def headlines(numbers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield the new paying clients."""
        if paying := numbers.get(names.NEW_PAYING_USERS):
            yield ru.PART_NEW_PAYING, number(paying["new_paying"])

    @property
    def is_compared(self) -> bool:
        """Whether there are comparable days."""
        return self.level.usual is not None

    def news(self) -> Sequence[News]:
        """Many are good news, few are an alarm."""
        if self.level.usual is None or self.level.change is Change.USUAL:
            return ()
        value = int(self.level.value)
        is_less = self.level.change is Change.LESS
        few = ru.FEW_NEW_PAYING_VERDICT if value else ru.NO_NEW_PAYING_VERDICT
        text = (few if is_less else ru.MANY_NEW_PAYING_VERDICT).format(
            counted=counted(value, ru.NEW_PAYING_FORMS), usual=number(self.level.usual)
        )
        kind = VerdictKind.ALARM if is_less else VerdictKind.GOOD
        return (News(kind, text, Rank.NEW_PAYING),)

    def headline(self) -> str:
        """Say the number, beside last week's and the mean."""
        comparisons = ", ".join(self._comparisons())
        compared = ru.COMPARED_WITH.format(comparisons=comparisons) if comparisons else ""
        return ru.NEW_PAYING_LINE.format(new=number(self.level.value), compared=compared)

    def notes(self) -> Sequence[str]:
        """Say that everyone looks new in the first 60 days of a source."""
        until = self.about.history_first_day + NEW_SOURCE
        if self.about.day >= until:
            return ()
        since = day_and_month(self.about.history_first_day)
        return (ru.NEW_SOURCE_NOTE.format(day=since, until=day_and_month(until)),)

    def numbers(self) -> dict[str, Any]:
        """Return the day's counts, what they are compared with, and the drawn days."""
        return {
            names.NEW_PAYING_USERS: {
                "new_paying": int(self.level.value),
                "new_paying_experiment": self.experiment,
                "paying": self.paying,
                "payments": self.payments,
                "same_weekday_last_week": self.last_week,
                "mean_7d": self.mean_7d,
                "usual_new_paying": self.level.usual,
                "last_28_days": [[day.isoformat(), value] for day, value in self.series],
            }
        }

    def block(self) -> Block:
        """Draw the number in large, with what it is compared with, and a column per day."""
        numbers = self._number_block()
        columns = Block(tuple(self._columns()), CHART_TOP + CHART_HEIGHT + 48)
        height = max(numbers.height, columns.height)
        both = Block((*numbers.marks, *columns.marks), height)
        return stacked([both, gap(8 * len(self.notes())), small_lines(self.notes())])

    def _comparisons(self) -> list[str]:
        """Return the values beside the number, without those that are not known."""
        comparisons = []
        if self.last_week is not None:
            when = ru.ON_LAST_WEEKDAY[self.about.day.weekday()]
            comparisons.append(ru.LAST_WEEK.format(when=when, value=number(self.last_week)))
        if self.mean_7d is not None:
            comparisons.append(ru.MEAN_7D.format(mean=number(self.mean_7d)))
        return comparisons

    def _number_block(self) -> Block:
        color = ALARM if self.level.change is Change.LESS else INK
        value = number(self.level.value)
        size = fitting_size(value, CHART_LEFT - MARGIN - 140, HUGE_SIZES, is_bold=True)
        huge = Text(MARGIN - 4, 156, value, size, "bold", color)
        sign = {Change.LESS: LESS_SIGN, Change.MORE: MORE_SIGN}.get(self.level.change, "")
        marks = [
            section_title(ru.NEW_PAYING_TITLE),
            huge,
            Text(huge.x + huge.width + 20, 156, sign, 52, "bold", color),
        ]
        lines = self._lines(color)
        placed = [
            Text(MARGIN, 206 + 40 * i, text, SMALL_SIZE, weight, line_color)
            for i, (text, weight, line_color) in enumerate(lines)
        ]
        return Block((*marks, *placed), 178 + 40 * len(lines))

    def _lines(self, color: str) -> list[tuple[str, str, str]]:
        lines = [(text, "normal", INK) for text in self._comparisons()]
        if self.experiment:
            said = ru.IN_EXPERIMENTS.format(count=number(self.experiment))
            lines.append((said, "normal", INK))
        if self.level.change is not Change.USUAL and self.level.usual is not None:
            usual = ru.USUALLY.format(usual=number(self.level.usual))
            lines.insert(0, (usual, "bold", color))
        return lines

    def _columns(self) -> Iterator[Mark]:
        """Draw a column per day from zero, the report's weekday darker, the day itself darkest."""
        day, known = self.about.day, [value for _, value in self.series if value is not None]
        days = counted(len(known), ru.DAYS_FORMS)
        form = ru.DAYS_RANGE if min(known) != max(known) else ru.DAYS_SAME
        spread = form.format(days=days, low=number(min(known)), high=number(max(known)))
        weekdays = ru.DARKER_WEEKDAYS.format(weekdays=ru.WEEKDAYS_PLURAL[day.weekday()])
        yield Text(CHART_LEFT, 34, spread, SMALL_SIZE)
        yield Text(CHART_LEFT, 72, weekdays, SMALL_SIZE, color=MUTED)
        for position, (each, value) in enumerate(self.series):
            left = CHART_LEFT + COLUMN * position + 3
            yield _column(left, value, max([*known, 1]), _column_color(day, each))
        floor, right = CHART_TOP + CHART_HEIGHT, CHART_LEFT + COLUMN * len(self.series)
        yield Box(CHART_LEFT, floor, right - CHART_LEFT, 2, MUTED)
        first, last = day_and_month(self.series[0][0]), day_and_month(day)
        yield Text(CHART_LEFT, floor + 40, first, SMALL_SIZE, color=MUTED)
        yield Text(right, floor + 40, last, SMALL_SIZE, color=MUTED, align="right")


def _column(left: float, value: int | None, top: int, color: str) -> Box:
    if value is None:
        return Box(left, CHART_TOP, COLUMN - 6, CHART_HEIGHT, PANEL)
    height = max(CHART_HEIGHT * value / top, 3 if value else 0)
    return Box(left, CHART_TOP + CHART_HEIGHT - height, COLUMN - 6, height, color)


def _column_color(day: date, each: date) -> str:
    if each == day:
        return INK
    return BAR if each.weekday() == day.weekday() else PALE_BAR


def _series_by_day(series: pd.DataFrame | None) -> dict[date, int]:
    if series is None:
        return {}
    known = series.dropna(subset=["new_paying"])
    return dict(zip(known["day"], known["new_paying"].astype("int64").tolist(), strict=True))


def _number_or_none(value: object) -> float | None:
    return None if pd.isna(value) else float(value)  # type: ignore[arg-type]
