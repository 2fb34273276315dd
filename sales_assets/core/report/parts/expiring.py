"""What can still be saved: the cases whose 24 hours run out on the day of delivery."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, ClassVar, Self

import pandas as pd

from sales_assets.core import names
from sales_assets.core.journey import PROCESSES
from sales_assets.core.metrics.metric import Metric
from sales_assets.core.metrics.processes import EXPIRING
from sales_assets.core.report.inputs import DayEvents, ReportDay, ReportInputs, counted_cases
from sales_assets.core.report.page import (
    BODY_SIZE,
    MARGIN,
    RIGHT,
    Block,
    Text,
    gap,
    small_lines,
    small_text,
    stacked,
)
from sales_assets.core.report.part import Part
from sales_assets.core.report.sheet import CASE_COLUMNS, ENDS, CellKind, Sheet, SheetColumn, summed
from sales_assets.core.report.wording import number, plural
from sales_assets.core.russian import report as ru
from sales_assets.core.windows import DAY

#: The hours of the day of delivery up to which deadlines are counted; those past are left out.
HOURS = (time(11), time(15))
#: Of the figures by hour: what ran out before the delivery, what does up to the next hours.
_FORMS = (ru.FIGURE_RAN_OUT, ru.FIGURE_UNTIL, ru.FIGURE_ALSO_UNTIL)
_EXPIRED = (
    SheetColumn("waiting", ru.FIGURE_WAITING, CellKind.FIGURE),
    SheetColumn("met", ru.FIGURE_MET, CellKind.FIGURE),
)


@dataclass(frozen=True)
class Expiring(Part):
    """The counted processes' cases in progress, by deadline, and what became of yesterday's.

    `ran_out` are those whose deadline lies before the delivery, `until` counts those from there
    on up to each hour. `expired` is how many ran out on the report's day and how many of them
    were met; None where it is not known.
    """

    NAME: ClassVar[str] = ru.PART_EXPIRING
    MISSING: ClassVar[str] = ru.MISSING_EXPIRING
    FRAME: ClassVar[str] = names.EXPIRING_CASES
    METRIC: ClassVar[Metric | None] = EXPIRING
    NUMBERS: ClassVar[tuple[str, ...]] = (names.EXPIRING_CASES,)
    KEY: ClassVar[str] = "expiring"
    IS_ADDED: ClassVar[bool] = True

    about: ReportDay
    count: int
    ran_out: int
    until: tuple[tuple[time, int], ...]
    expired: tuple[int, int] | None

    @classmethod
    def of(cls, inputs: ReportInputs) -> Self | None:
        """Count the cases of the processes that can be known."""
        frame, about = inputs.frames.get(names.EXPIRING_CASES), inputs.about
        if frame is None or about.is_empty or cls.reason(about):
            return None
        deadlines = counted_cases(frame, about.not_counted)["deadline"]
        hours = [about.delivery_time, *(hour for hour in HOURS if hour > about.delivery_time)]
        within = _within(deadlines, about.day, hours)
        (_, ran_out), *until = [(hour, int(flags.sum())) for hour, flags in within.items()]
        expired = None
        if inputs.expired is not None:
            yesterdays = counted_cases(inputs.expired, about.not_counted)
            expired = int(yesterdays["waiting"].sum()), int(yesterdays["met"].sum())
        return cls(about, len(deadlines), ran_out, tuple(until), expired)

    @classmethod
    def absence_block(cls, about: ReportDay) -> Block:
        """Write the absence where the line stands."""
        return stacked([gap(16), small_lines([cls.absence(about)])])

    def numbers(self) -> dict[str, Any]:
        """Return the counts that are shown."""
        waiting, met = self.expired or (None, None)
        return {
            names.EXPIRING_CASES: {
                "delivery_time": f"{self.about.delivery_time:%H:%M}",
                "count": self.count,
                "ran_out": self.ran_out,
                "until": {f"{hour:%H:%M}": count for hour, count in self.until},
                "yesterday": {"waiting": waiting, "met": met},
            }
        }

    @classmethod
    def sheets(cls, events: DayEvents, numbers: Mapping[str, Any]) -> Iterator[Sheet]:
        """Yield the cases in progress by their deadline, and those that ran out on the day."""
        told = numbers.get(names.EXPIRING_CASES)
        if not told:
            return
        rows = events.cases.query("in_progress == 1").sort_values("deadline", kind="stable")
        hours = [time.fromisoformat(hour) for hour in (told["delivery_time"], *told["until"])]
        within = _within(rows["deadline"], events.day, hours)
        rows = rows.assign(**{f"until_{hour:%H:%M}": flags for hour, flags in within.items()})
        shown = [told["ran_out"], *told["until"].values()]
        figures = [
            SheetColumn(f"until_{hour:%H:%M}", form.format(time=f"{hour:%H:%M}"), CellKind.FIGURE)
            for hour, form in zip(hours, _FORMS, strict=False)
        ]
        total = {"in_progress": told["count"]} | {
            figure.name: value for figure, value in zip(figures, shown, strict=True)
        }
        count = SheetColumn("in_progress", ru.EXPIRING_SHEET, CellKind.FIGURE)
        columns = (*CASE_COLUMNS, count, *figures)
        yield Sheet(ru.EXPIRING_SHEET, columns, rows, (summed(ru.TOTAL, rows, total),))
        yesterday = told["yesterday"]
        if yesterday["waiting"] is not None:
            rows = events.cases.query("waiting == 1")
            sums = (summed(ru.TOTAL, rows, yesterday),)
            yield Sheet(ru.EXPIRED_SHEET, (*CASE_COLUMNS, *ENDS, *_EXPIRED), rows, sums)

    def block(self) -> Block:
        """Write the count in bold, the hours after it, and what became of yesterday's."""
        # The missing part of a cut day may open cases as well as close them: no bound.
        form = ru.EXPIRING_LOADED if self.about.is_cut else ru.EXPIRING
        title = Text(MARGIN, 28, form.format(count=number(self.count)), BODY_SIZE, "bold")
        left = MARGIN + title.width + 16
        hours = small_text(left, 28, ", ".join(self._hours()))
        others = "; ".join(self._others())
        if left + hours.width <= RIGHT:
            return stacked([Block((title, hours), 42), small_lines([others])])
        return stacked([Block((title,), 42), small_lines([hours.text, others])])

    def _hours(self) -> Iterator[str]:
        if self.ran_out:
            ran_out = f"{plural(self.ran_out, ru.RAN_OUT_FORMS)} {number(self.ran_out)}"
            delivery = self.about.delivery_time
            form = ru.EXPIRING_RAN_OUT if delivery < HOURS[0] else ru.EXPIRING_RAN_OUT_BY
            yield f"({form.format(time=f'{delivery:%H:%M}', count=ran_out)})"
        forms = [ru.EXPIRING_UNTIL, *[ru.EXPIRING_ALSO_UNTIL] * len(self.until)]
        for form, (hour, count) in zip(forms, self.until, strict=False):
            if self.count:
                yield form.format(time=f"{hour:%H:%M}", count=number(count))

    def _others(self) -> Iterator[str]:
        waiting, met = self.expired or (0, 0)
        if waiting:
            yesterdays = f"{number(waiting)} {plural(waiting, ru.YESTERDAYS_FORMS)}"
            yield ru.EXPIRED.format(waiting=yesterdays, met=self.about.bound(met))
        unknown = [each.name for each in PROCESSES if each.key in self.about.not_counted]
        if unknown:
            yield ru.EXPIRING_WITHOUT.format(processes=", ".join(unknown))


def _within(deadlines: pd.Series, day: date, hours: Sequence[time]) -> dict[time, pd.Series]:
    """Tell for each hour of the next day which deadlines lie before it, and not before the last."""
    before = [deadlines < datetime.combine(day + DAY, hour) for hour in hours]
    since = [pd.Series(data=False, index=deadlines.index), *before]
    return {
        hour: (flags & ~earlier).astype(int)
        for hour, flags, earlier in zip(hours, before, since, strict=False)
    }
