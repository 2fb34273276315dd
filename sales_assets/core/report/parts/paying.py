"""New paying clients: the day's number beside its 28 days."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar, Self

import pandas as pd

from sales_assets.core import names
from sales_assets.core.days import ReportDays
from sales_assets.core.metrics.metric import Metric
from sales_assets.core.metrics.payments import METRIC, first_payers
from sales_assets.core.metrics.values import NEW_PAYING
from sales_assets.core.report.inputs import DayEvents, ReportDay, ReportInputs
from sales_assets.core.report.page import (
    ALARM,
    INK,
    LESS_SIGN,
    MARGIN,
    MORE_SIGN,
    MUTED,
    PALE_BAR,
    PANEL,
    SMALL_SIZE,
    USUAL_RANGE,
    Block,
    Box,
    Mark,
    Text,
    fitting_size,
    gap,
    section_title,
    small_lines,
    small_text,
    stacked,
)
from sales_assets.core.report.part import Part, Rank, Story, VerdictKind
from sales_assets.core.report.sheet import CLIENT_COLUMN, CellKind, Sheet, SheetColumn, Sum, summed
from sales_assets.core.report.usual import Judged, drawn_ranges, judged
from sales_assets.core.report.wording import counted, day_and_month, full_date, number, sentence
from sales_assets.core.russian import report as ru
from sales_assets.core.windows import DAY, DRAWN_DAYS, NEW_SOURCE, days_up_to

HUGE_SIZES = (124, 108, 92)
CHART_LEFT = 664
CHART_TOP = 96
CHART_HEIGHT = 140
COLUMN = 20
_FIRST_PAYMENT = SheetColumn("first_payment_at", ru.COLUMN_FIRST_PAYMENT, CellKind.MOMENT)
_PAYERS = (CLIENT_COLUMN, _FIRST_PAYMENT)
_FIGURES = (
    SheetColumn("new_paying", ru.NEW_PAYING_TITLE, CellKind.FIGURE),
    SheetColumn("new_paying_experiment", ru.FIGURE_IN_EXPERIMENTS, CellKind.FIGURE),
)


@dataclass(frozen=True)
class NewPaying(Part):
    """New paying clients of the day; `series` are the drawn days, None where there is no value."""

    NAME: ClassVar[str] = ru.PART_NEW_PAYING
    MISSING: ClassVar[str] = ru.MISSING_NEW_PAYING
    FRAME: ClassVar[str] = names.NEW_PAYING_USERS
    METRIC: ClassVar[Metric | None] = METRIC
    NUMBERS: ClassVar[tuple[str, ...]] = (names.NEW_PAYING_USERS, NEW_PAYING)
    KEY: ClassVar[str] = NEW_PAYING

    about: ReportDay
    value: int
    judgement: Judged
    experiment: int
    paying: int
    payments: int
    last_week: float | None
    mean_7d: float | None
    series: tuple[tuple[date, int | None], ...]
    ranges: tuple[tuple[int, int] | None, ...]

    @classmethod
    def of(cls, inputs: ReportInputs) -> Self | None:
        """Read the day's row, and its 28 days among the daily values."""
        frame, about = inputs.frames.get(names.NEW_PAYING_USERS), inputs.about
        if frame is None or frame.empty or about.is_empty or cls.reason(about):
            return None
        row, value = frame.iloc[0], int(frame["new_paying"].iloc[0])
        rows = inputs.daily_values[inputs.daily_values["series"] == NEW_PAYING]
        unknown, week = about.without_value(NEW_PAYING), days_up_to(about.day - DAY, 7)
        known = rows[~rows["day"].isin(unknown)]
        drawn = dict(zip(known["day"], known["value"].astype("int64").tolist(), strict=True))
        drawn[about.day] = value
        return cls(
            about=about,
            value=value,
            judgement=judged(NEW_PAYING, inputs),
            experiment=int(row["new_paying_experiment"]),
            paying=int(row["paying"]),
            payments=int(row["payments"]),
            last_week=None if week[0] in unknown else _number(row["same_weekday_last_week"]),
            mean_7d=None if unknown.intersection(week) else _number(row["mean_7d"]),
            series=tuple((day, drawn.get(day)) for day in days_up_to(about.day, DRAWN_DAYS)),
            ranges=drawn_ranges(NEW_PAYING, inputs),
        )

    @staticmethod
    def headlines(numbers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield the new paying clients."""
        if paying := numbers.get(names.NEW_PAYING_USERS):
            yield ru.PART_NEW_PAYING, number(paying["new_paying"])

    @property
    def judged(self) -> Sequence[Judged]:
        """The one judged number."""
        return (self.judgement,)

    def stories(self) -> Sequence[Story]:
        """Many are good news, few are an alarm."""
        judgement = self.judgement
        if not judgement.change:
            is_back = judgement.is_back
            return (Story.back(Rank.NEW_PAYING, ru.NEW_PAYING_TITLE),) if is_back else ()
        kind, question, form = VerdictKind.GOOD, "", ru.MANY_NEW_PAYING_VERDICT
        if judgement.change < 0:
            kind, question = VerdictKind.ALARM, ru.QUESTION_NEW_PAYING
            form = ru.FEW_NEW_PAYING_VERDICT if self.value else ru.NO_NEW_PAYING_VERDICT
        counts = counted(self.value, ru.NEW_PAYING_FORMS)
        texts = (form.format(counted=counts, usual=judgement.usual), counts)
        if judgement.found.window > 1:
            texts = judgement.window_texts(ru.NEW_PAYING_TITLE)
        told = judgement.found.day_number, judgement.rarity
        return (Story(kind, Rank.NEW_PAYING, texts, *told, question=question),)

    def headline(self) -> str:
        """Say the number, beside last week's and the mean."""
        comparisons = ", ".join(self._comparisons())
        compared = f" ({comparisons})" if comparisons else ""
        return ru.NEW_PAYING_LINE.format(new=self.about.bound(self.value), compared=compared)

    def notes(self) -> Sequence[str]:
        """Say that everyone looks new in the first 60 days of a source."""
        since = self.about.source_since or self.about.history_first_day
        until = since + NEW_SOURCE
        if self.about.day >= until:
            return ()
        return (ru.NEW_SOURCE_NOTE.format(day=day_and_month(since), until=day_and_month(until)),)

    def numbers(self) -> dict[str, Any]:
        """Return the day's counts, what they are compared with, and the drawn days."""
        return {
            names.NEW_PAYING_USERS: {
                "new_paying": self.value,
                "new_paying_experiment": self.experiment,
                "paying": self.paying,
                "payments": self.payments,
                "same_weekday_last_week": self.last_week,
                "mean_7d": self.mean_7d,
                "last_28_days": [[day.isoformat(), value] for day, value in self.series],
            }
        }

    @classmethod
    def sheets(cls, events: DayEvents, numbers: Mapping[str, Any]) -> Iterator[Sheet]:
        """Yield the day's new paying clients, and those of the drawn days."""
        told = numbers.get(names.NEW_PAYING_USERS)
        if not told:
            return
        rows = first_payers(events.log, events.days)
        shown = {column.name: told[column.name] for column in _FIGURES}
        columns = (*_PAYERS, SheetColumn("first_experiment_at", ru.COLUMN_JOINED, CellKind.MOMENT))
        total = summed(ru.TOTAL, rows, shown)
        yield Sheet(ru.NEW_PAYING_TITLE, (*columns, *_FIGURES), rows, (total,))
        drawn = {date.fromisoformat(day): value for day, value in told["last_28_days"]}
        zone = events.days.zone
        payers = {day: first_payers(events.log, ReportDays((day,), zone)) for day in drawn}
        of_days = {day: found.query("new_paying == 1") for day, found in payers.items()}
        sums = [
            summed(full_date(day), of_days[day], {"new_paying": value})
            for day, value in drawn.items()
            if value is not None
        ]
        compared = _comparison_sums(told, [len(of_days[day]) for day in drawn], events.day)
        title = ru.DRAWN_SHEET.format(days=counted(DRAWN_DAYS, ru.DAYS_FORMS))
        rows = pd.concat(of_days.values())
        yield Sheet(title, (*_PAYERS, _FIGURES[0]), rows, (*sums, *compared))

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
            comparisons.append(f"{when} {number(self.last_week)}")
        if self.mean_7d is not None:
            comparisons.append(ru.MEAN_7D.format(mean=number(self.mean_7d)))
        return comparisons

    def _number_block(self) -> Block:
        color = ALARM if self.judgement.change < 0 else INK
        value = number(self.value)
        size = fitting_size(value, CHART_LEFT - MARGIN - 140, HUGE_SIZES, is_bold=True)
        huge = Text(MARGIN - 4, 156, value, size, "bold", color)
        news = {-1: LESS_SIGN, 1: MORE_SIGN}.get(self.judgement.change, "")
        sign = Text(huge.x + huge.width + 20, 156, news, 52, "bold", color)
        lines: list[tuple[str, str, str]] = []
        if beside := self.judgement.beside:
            lines.append((beside, "bold" if self.judgement.change else "normal", color))
        if self.about.is_cut:
            lines.append((ru.AT_LEAST_DAY, "bold", INK))
        lines += [(text, "normal", MUTED) for text in self._comparisons()[:1]]
        if self.experiment:
            said = ru.IN_EXPERIMENTS.format(count=number(self.experiment))
            lines.append((said, "normal", MUTED))
        placed = [
            Text(MARGIN, 206 + 40 * i, text, SMALL_SIZE, *style)
            for i, (text, *style) in enumerate(lines)
        ]
        title = section_title(ru.NEW_PAYING_TITLE)
        return Block((title, huge, sign, *placed), 178 + 40 * len(lines))

    def _columns(self) -> Iterator[Mark]:
        """Draw a column per day from zero before its usual range, the report's day darkest."""
        floor, right = CHART_TOP + CHART_HEIGHT, CHART_LEFT + COLUMN * len(self.series)
        known = [value for _, value in self.series if value is not None]
        days = counted(len(known), ru.DAYS_FORMS)
        said = ru.DRAWN_DAYS.format(days=days) if any(self.ranges) else days
        yield small_text(CHART_LEFT, 72, said)
        scale = CHART_HEIGHT / max([*known, *(high for _, high in filter(None, self.ranges)), 1])
        for position, usual in enumerate(self.ranges):
            if usual:
                low, high = usual
                left, top = CHART_LEFT + COLUMN * position, floor - high * scale
                yield Box(left, top, COLUMN, max((high - low) * scale, 2), USUAL_RANGE)
        for position, (each, value) in enumerate(self.series):
            left = CHART_LEFT + COLUMN * position + 3
            height, color = CHART_HEIGHT, PANEL
            if value is not None:
                height = max(value * scale, 3 if value else 0)
                color = INK if each == self.about.day else PALE_BAR
            yield Box(left, floor - height, COLUMN - 6, height, color)
        yield Box(CHART_LEFT, floor, right - CHART_LEFT, 2, MUTED)
        first, last = day_and_month(self.series[0][0]), day_and_month(self.about.day)
        yield small_text(CHART_LEFT, floor + 40, first)
        yield replace(small_text(right, floor + 40, last), align="right")


def _comparison_sums(told: Mapping[str, Any], counts: Sequence[int], day: date) -> Iterator[Sum]:
    """Yield what the day is compared with, of the `counts` of the drawn days that end with it."""
    week = counts[-8:-1]
    found = {
        "same_weekday_last_week": (ru.ON_LAST_WEEKDAY[day.weekday()], week[0]),
        "mean_7d": (ru.MEAN_7D.format(mean="").strip(), sum(week) / len(week)),
    }
    for name, (label, count) in found.items():
        if told[name] is not None:
            yield Sum(sentence(label), {"new_paying": count}, {"new_paying": told[name]})


def _number(value: object) -> float | None:
    return None if pd.isna(value) else float(value)  # type: ignore[arg-type]
