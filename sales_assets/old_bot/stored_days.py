"""The comparison with the old bot: what it needs from the storage, and how it is shown."""

from collections.abc import Iterator
from datetime import date, timedelta

import pandas as pd
from upath import UPath

from sales_assets.adapters.files.frames import FrameStore, read_event_log, write_bytes
from sales_assets.adapters.settings import Settings
from sales_assets.core import names
from sales_assets.core.days import lookback_days
from sales_assets.core.report.wording import full_date
from sales_assets.core.windows import days_up_to
from sales_assets.definitions import first_day
from sales_assets.old_bot import words as ru
from sales_assets.old_bot.page import comparison_page
from sales_assets.old_bot.rules import (
    LOG_DAYS,
    Bridge,
    Comparison,
    Step,
    Stored,
    compare,
    days_around,
)

FOLDER = "compare"
_METRICS = (names.UNCLOSED_PROCESSES, names.CONVERSION_FUNNEL, names.NEW_PAYING_USERS)
_WINDOW = (names.CLEAN_EVENTS, names.USER_HISTORY)
_PROCESS_STEPS = {
    Step.OLD: "old bot: clients with a start and no end that day, in any order",
    Step.DAY_BORDERS: "day borders: 00:00:00 and 23:59:59 belong to the day",
    Step.CLOCK: "clock: the day of {report}, not of the source ({source})",
    Step.EXPERIMENTS: "experiments as known that day: who joined later stays",
    Step.PROMISE: "24 hours instead of midnight: clients whose 24 h ran out that day",
    Step.NEW: "the report: cases; only an end after its start closes one",
}
_PAYING_STEPS = _PROCESS_STEPS | {
    Step.OLD: "old bot: clients whose first payment is on that day",
    Step.NEW: "the report",
}


class StoredDays:
    """The days that a comparison of `day` rests on, within the partitions that are over."""

    def __init__(self, settings: Settings, day: date, today: date) -> None:
        self.settings = settings
        self.day = day
        self.store = FrameStore(settings.storage)
        self._first, self._newest = first_day(settings), today - timedelta(days=1)
        around = days_around(day, settings.report_zone, settings.source_zone)
        self._touched = [near for near in around if near >= self._first]

    @property
    def around(self) -> list[date]:
        """The report days that the source's calendar day touches and that are over."""
        return [near for near in self._touched if near <= self._newest]

    @property
    def is_unfinished(self) -> bool:
        """Whether the source's calendar day reaches into a report day that is not over."""
        return self.around != self._touched

    def missing(self) -> list[date]:
        """Return what must be computed first, as one span of days."""
        window = self._window()
        needed = [
            *((names.RAW_EVENTS, near) for near in self.around),
            *((names.USER_HISTORY, near) for near in self.around),
            *((asset, of_window) for asset in _WINDOW for of_window in window),
            *((asset, self.day) for asset in _METRICS),
        ]
        stored = {asset: self.store.days(asset) for asset in dict(needed)}
        lacking = [needed_on for asset, needed_on in needed if needed_on not in stored[asset]]
        # A day of the window is filled by the run of the day itself.
        days = {near if near in self.around else self.day for near in lacking}
        return days_up_to(max(days), (max(days) - min(days)).days + 1) if days else []

    def known_until(self) -> date:
        """Return the last of the days after `day` that are stored without a gap."""
        stored, newest = self.store.days(names.USER_HISTORY), max(self.around)
        while newest + timedelta(days=1) in stored:
            newest += timedelta(days=1)
        return newest

    def compared(self) -> Comparison:
        """Return the comparison of the day; all days that it rests on are stored."""
        read, last = self.store.read, self.known_until()
        known_days = days_up_to(last, (last - self.around[0]).days + 1)
        stored = Stored(
            around=[read(names.RAW_EVENTS, near) for near in self.around],
            histories=(read(names.USER_HISTORY, known) for known in known_days),
            log=read_event_log(self.store, self._window(), self.settings.report_zone),
            unclosed=read(names.UNCLOSED_PROCESSES, self.day),
            funnel=read(names.CONVERSION_FUNNEL, self.day),
            paying=read(names.NEW_PAYING_USERS, self.day),
        )
        return compare(self.day, self.settings.report_zone, self.settings.source_zone, stored)

    def _window(self) -> list[date]:
        return lookback_days([self.day], self._first, LOG_DAYS)


def write_page(days: StoredDays, comparison: Comparison) -> UPath:
    """Write the page for the chief as `<storage>/compare/<day>.html`; return its path.

    HTML, because it opens from a messenger on a phone, where a workbook needs a program.
    """
    notes = [ru.COMPARISON_KNOWN_UNTIL.format(day=full_date(days.known_until()))]
    if days.is_unfinished:
        notes.append(ru.COMPARISON_UNFINISHED.format(day=full_date(max(days.around))))
    settings = days.settings
    page = comparison_page(comparison, settings.report_zone, settings.source_zone, notes)
    path = days.store.path(FOLDER, days.day, ".html")
    write_bytes(path, page.encode())
    return path


def lines(days: StoredDays, comparison: Comparison) -> Iterator[str]:
    """Yield the comparison as lines for the terminal."""
    yield f"{days.day}: the old bot's numbers by its own rules, and how they become ours"
    for bridge in comparison.processes:
        yield from _bridge_lines(bridge, _PROCESS_STEPS, days.settings)
    yield from _bridge_lines(comparison.paying, _PAYING_STEPS, days.settings)
    yield from _funnel_lines(comparison)
    yield ""
    yield f"The old bot's hindsight: experiments are known until {days.known_until()}."
    if days.is_unfinished:
        yield (
            f"The source's {days.day} is not over yet: the old bot's numbers end with the report "
            f"day {max(days.around)}. Compare again tomorrow."
        )


def _bridge_lines(bridge: Bridge, words: dict[Step, str], settings: Settings) -> Iterator[str]:
    zones = {"report": settings.report_zone.key, "source": settings.source_zone.key}
    yield ""
    yield f"{bridge.name:<70} {'number':>7} {'change':>7}"
    for step, value, change in bridge.rows:
        shown = "" if step is Step.OLD else f"{change:+d}" if change else "0"
        yield f"  {words[step].format(**zones):<68} {value:>7} {shown:>7}"


def _funnel_lines(comparison: Comparison) -> Iterator[str]:
    yield ""
    yield (
        f"{'Funnel: clients by event that day, and of the cohort of requests':<70} "
        f"{'old':>7} {'of prev':>7} {'ours':>7} {'of all':>7}"
    )
    for row in comparison.funnel.to_dict("records"):
        before = "" if pd.isna(row["old_share"]) else f"{row['old_share']:.0%}"
        yield (
            f"  {row['step']:<68} {row['old_users']:>7} {before:>7} "
            f"{row['new_users']:>7} {row['new_share']:>7.1%}"
        )
