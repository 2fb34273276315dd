"""The stored days that a run's numbers rest on, and what fills those that nobody stored."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from itertools import chain

import pandas as pd

from sales_assets.adapters.files import day_records
from sales_assets.adapters.files.day_records import Refusal
from sales_assets.adapters.files.frames import FrameStore, read_daily_values, read_event_log
from sales_assets.adapters.files.stamps import (
    own_stamp,
    refuse_other_clients,
    remember,
    write_stamp,
)
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.source.counts import SourceCounts
from sales_assets.adapters.source.errors import PassingSourceError
from sales_assets.adapters.source.postgres import PostgresSource, SourceRead
from sales_assets.adapters.whole_days import WholeDays
from sales_assets.core import names
from sales_assets.core.completeness import CHECK, check_whole, last_call
from sales_assets.core.days import DailyFrames, ReportDays, lookback_days
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.judgement import Completeness
from sales_assets.core.metrics import cleaning
from sales_assets.core.metrics.event_log import EventLog, encode
from sales_assets.core.metrics.schemas import (
    CheckOutcome,
    check_bad_rows,
    check_loss,
    check_structure,
    first_blocking,
)
from sales_assets.core.metrics.summaries import Summary, summary_of
from sales_assets.core.metrics.values import daily_values
from sales_assets.core.source_findings import fit_outcome
from sales_assets.core.stamp import Stamp
from sales_assets.core.windows import COMPLETENESS_DAYS, EVENT_DAYS, VALUE_DAYS


class BlockedDayError(SalesAssetsError):
    """A day was asked for, and the checks of its rows block it."""


@dataclass(frozen=True)
class Orders:
    """What one run was told: take a cut day as it is, take a loss of rows, read days again."""

    as_it_is: bool = False
    accept_loss: bool = False
    reread: tuple[date, ...] = ()


@dataclass(frozen=True)
class FilledDay:
    """A day of an asset that was stored just now, or refused, and what its checks found."""

    asset: str
    day: date
    summary: Summary
    outcomes: tuple[CheckOutcome, ...] = ()
    refusal: Refusal | None = None


@dataclass(frozen=True)
class Reading:
    """What came of reading the days of a run: these, and the days before that were filled."""

    own: Sequence[FilledDay]
    filled: Sequence[FilledDay]

    @property
    def refused(self) -> list[Refusal]:
        """Why days of the run were not taken."""
        return [day.refusal for day in self.own if day.refusal]


@dataclass
class History:
    """The days that a run is about or looks back on: rows, counts, histories, clean events.

    One object serves one run: it remembers the event log, what the checks found, and the first
    day of the source. `connect` is called when the source is first needed.
    """

    settings: Settings
    connect: Callable[[], PostgresSource]
    first_date: date
    orders: Orders = Orders()
    _stamp: Stamp = field(init=False, repr=False)
    _logs: dict[tuple[date, ...], EventLog] = field(default_factory=dict, repr=False)
    _failures: dict[date, Refusal | None] = field(default_factory=dict, repr=False)
    _refused: dict[date, Refusal] = field(default_factory=dict, repr=False)
    _read_again: set[tuple[str, date]] = field(default_factory=set, repr=False)

    def __post_init__(self) -> None:
        self.store, self.zone = FrameStore(self.settings.storage), self.settings.report_zone
        #: The hourly counts, and what the judge says of them.
        self.whole_days = WholeDays(self.store, self.first_date, self.settings.holidays)

    @cached_property
    def source(self) -> PostgresSource:
        """The source; `ForeignSourceError` where stored days are of another, or nobody knows."""
        # Whoever accepts a loss may have emptied a table.
        source = replace(self.connect(), may_be_empty=self.orders.accept_loss)
        stamp = replace(source.stamp(), first_day=self.first_date)
        self._stamp = own_stamp(self.store, stamp)
        if self._stamp.padded_ids is None:
            self._stamp = replace(self._stamp, padded_ids=source.has_padded_ids())
            write_stamp(self.store, self._stamp)
        return replace(source, padded_ids=self._stamp.padded_ids)

    @cached_property
    def source_since(self) -> date | None:
        """The day of the source's first row, which may lie before the history."""
        return self.source.first_day()

    @property
    def source_first_day(self) -> date:
        """The first day of the history: before it a comparison is null."""
        return max(self.first_date, self.source_since or self.first_date)

    def lookback(self, days: Sequence[date]) -> list[date]:
        """Return the days that the numbers of `days` rest on, those included, in order."""
        return lookback_days(days, self.first_date)

    def days_before(self, days: Sequence[date]) -> list[date]:
        """Return the lookback of `days` without these days."""
        return sorted(set(self.lookback(days)).difference(days))

    # --- Filling ---

    def read_days(self, days: Sequence[date]) -> Reading:
        """Read `days` and in the same query the missing ones before them, and store them.

        The hourly counts come in the same pass, for the days before from one grouped query. A
        day of the run that is cut, shrunken or bad is refused: nothing of it is stored, and what
        was stored of it stays.
        """
        return self._read(days, self._missing(names.RAW_EVENTS, self.days_before(days)))

    def read_user_history(
        self, days: Sequence[date]
    ) -> tuple[Mapping[date, pd.DataFrame], list[FilledDay]]:
        """Ask what the source knows of the clients of `days`; store the missing days before."""
        missing = self._missing(names.USER_HISTORY, self.days_before(days))
        frames = self.source.read_user_history([*missing, *days])
        return frames, self._store(names.USER_HISTORY, DailyFrames(missing, frames.__getitem__))

    def ensure(self, days: Sequence[date], own: Sequence[date] = ()) -> list[FilledDay]:
        """Store whatever of `days` is missing, up to the clean events; return what that was.

        Where one of the run's `own` days is refused or blocked, raw events alone are stored, and
        `refuse_blocked` says why.
        """
        filled = self.ensure_read(days, own)
        if self._are_blocked(own):
            return filled
        missing = self._missing(names.CLEAN_EVENTS, days)
        return filled + self._store(names.CLEAN_EVENTS, DailyFrames(missing, self.clean))

    def ensure_read(self, days: Sequence[date], own: Sequence[date] = ()) -> list[FilledDay]:
        """Store whatever of `days` is missing, up to the user histories."""
        filled = self.ensure_rows(days, own)
        missing = [] if self._are_blocked(own) else self._missing(names.USER_HISTORY, days)
        if missing:
            filled += self._store(names.USER_HISTORY, self.source.read_user_history(missing))
        return filled

    def ensure_rows(self, days: Sequence[date], own: Sequence[date] = ()) -> list[FilledDay]:
        """Store the raw events of `days` that are missing, and their counts."""
        missing = self._missing(names.RAW_EVENTS, days)
        if not missing:
            return []
        mine = [day for day in missing if day in own]
        reading = self._read(mine, [day for day in missing if day not in own])
        return [*reading.filled, *reading.own]

    def ensure_counts(self, days: Sequence[date]) -> list[FilledDay]:
        """Count whatever nobody counted of `days` and of the days that they rest on."""
        missing = self.whole_days.missing(self.whole_days.lookback(days))
        return self._fill_counts(missing, self.source.read_counts(missing)) if missing else []

    def _missing(self, asset: str, days: Iterable[date]) -> list[date]:
        done = {day for read, day in self._read_again if read == asset}.union(self._refused)
        stored = self.store.days(asset).difference(set(self.orders.reread) - done)
        return [day for day in days if day not in stored]

    def _read(self, own: Sequence[date], before: Sequence[date]) -> Reading:
        rests_on = set(self.whole_days.lookback(own)).difference(own)
        counted = self.whole_days.missing(sorted(rests_on))
        # Where a stored day's rows are gone, that is what has to be said.
        was_read = any(self.store.holds(names.RAW_EVENTS, day) for day in own)
        examined = [*own, *set(before).intersection(self.orders.reread)]
        source = replace(self.source, may_be_empty=True) if was_read else self.source
        read = source.read_days([*before, *own], counted, examined=examined)
        refuse_other_clients(self.store, examined, read.frames)
        padded_ids = self._stamp.padded_ids or read.has_padded_ids
        self._stamp = remember(self.store, self._stamp, read.dictionary, padded_ids=padded_ids)
        filled = self._fill_counts(counted, read.counts)
        for day in before:
            self._read_again.add((names.RAW_EVENTS, day))
            filled.append(self._take_again(day, read))
        return Reading([self._take(day, read) for day in sorted(own)], filled)

    def _fill_counts(self, days: Sequence[date], counts: SourceCounts) -> list[FilledDay]:
        asset = names.HOURLY_COUNTS
        frames = {day: self.whole_days.fill(day, counts) for day in days}
        return [FilledDay(asset, day, summary_of(asset, frame)) for day, frame in frames.items()]

    def _store(self, asset: str, frames: Mapping[date, pd.DataFrame]) -> list[FilledDay]:
        filled = []
        for day in frames:
            frame = frames[day]
            self.store.write(asset, day, frame)
            self._read_again.add((asset, day))
            filled.append(FilledDay(asset, day, summary_of(asset, frame)))
        return filled

    # --- Daily values ---

    def ensure_values(self, days: Sequence[date]) -> list[FilledDay]:
        """Store the daily values that `days` are judged by, and their own, where they miss."""
        return self._store_values(self._missing(names.DAILY_VALUES, self.values_window(days)))

    def renew_values(self, days: Sequence[date]) -> list[FilledDay]:
        """Store the missing values before `days`, and anew the stored ones that rest on `days`.

        The events of `days` may have changed. Their own values are left to the caller.
        """
        stored = self.store.days(names.DAILY_VALUES)
        before = set(self.values_window(days)).difference(stored)
        after = {day + timedelta(days=later) for day in days for later in range(1, EVENT_DAYS)}
        wanted = before | after.intersection(stored)
        return self._store_values(sorted(wanted.difference(days)))

    def _store_values(self, days: Sequence[date]) -> list[FilledDay]:
        if not days:
            return []
        window = self.lookback(days)
        stored = self.store.days(names.CLEAN_EVENTS).intersection(window)
        missing = [day for day in window if day not in stored]
        events = (self.store.read(names.CLEAN_EVENTS, day) for day in sorted(stored))
        histories = (self.store.read(names.USER_HISTORY, day) for day in sorted(stored))
        if missing:  # these are read, and not stored
            raw, known = self.source.read_together(missing)
            events = chain(events, (cleaning.set_aside(rows)[0] for rows in raw))
            histories = chain(histories, [known])
        log = encode(events, histories, self.zone)
        log = log.without_experiments(ReportDays.of(missing, self.zone))
        frames = daily_values(log, ReportDays.of(days, self.zone))
        return self._store(names.DAILY_VALUES, frames)

    # --- Taking a day, or refusing it ---

    def _take(self, day: date, read: SourceRead) -> FilledDay:
        """Store a day of the run, or what refuses it."""
        answer = self.whole_days.judge(day, read.counts)
        now = read.counts.as_of.astimezone(self.zone).replace(tzinfo=None)
        may_be_cut = self.orders.as_it_is or now >= last_call(day, self.settings.last_call)
        # Where stored rows are gone, that is what has to be said, whatever else is missing.
        found = [self._loss(day, read)]
        found.append(check_whole(answer, day, self.settings.last_call, may_be_cut=may_be_cut))
        if failed := first_blocking(found):
            return self._refuse(day, failed, found, answer)
        frame = read.frames[day]
        found += self.outcomes(frame, day)
        if failed := first_blocking(found):
            return self._refuse(day, failed, found, answer)
        self._store_checked(day, frame)
        found.append(self._fit(day, frame, read))
        self.whole_days.take(day, read.counts, answer)
        day_records.withdraw_refusal(self.store, day)
        return FilledDay(names.RAW_EVENTS, day, summary_of(names.RAW_EVENTS, frame), tuple(found))

    def _take_again(self, day: date, read: SourceRead) -> FilledDay:
        """Store a day of the lookback; one that is to be read again may not shrink."""
        if day in self.orders.reread and self.store.holds(names.RAW_EVENTS, day):
            return self._take(day, read)
        frame = read.frames[day]
        failed = tuple(found for found in self.outcomes(frame, day) if not found.passed)
        self._store_checked(day, frame)
        return FilledDay(names.RAW_EVENTS, day, summary_of(names.RAW_EVENTS, frame), failed)

    def _fit(self, day: date, frame: pd.DataFrame, read: SourceRead) -> CheckOutcome:
        """Store what doesn't fit in the source on a day beside its rows."""
        last_names, are_normal = self._stamp.dictionary, self.settings.payers_without_events
        findings = read.findings(day, frame, last_names, payers_without_events=are_normal)
        day_records.write_findings(self.store, day, findings)
        return fit_outcome(findings)

    def _loss(self, day: date, read: SourceRead) -> CheckOutcome:
        is_stored = self.store.holds(names.RAW_EVENTS, day)
        stored = self.store.rows(names.RAW_EVENTS, day) if is_stored else 0
        share = 1.0 if self.orders.accept_loss else self.settings.loss_share
        return check_loss(stored, read.rows[day], day, share)

    def _refuse(
        self, day: date, failed: CheckOutcome, found: Sequence[CheckOutcome], answer: Completeness
    ) -> FilledDay:
        stored = self.store.holds(names.RAW_EVENTS, day)
        found_cut = answer if failed.name == CHECK else None
        refusal = Refusal(day, failed.name, failed.message, stored, found_cut)
        day_records.write_refusal(self.store, refusal)
        self._refused[day] = refusal
        return FilledDay(names.RAW_EVENTS, day, {"rows": 0}, tuple(found), refusal)

    # --- Reading what is stored ---

    def look(self, day: date) -> Completeness:
        """Ask the source whether a day is whole by now; nothing is stored."""
        before = lookback_days([day], self.first_date, COMPLETENESS_DAYS + 1)[:-1]
        missing = self.whole_days.missing(before)
        counts = self.source.read_counts([*missing, day])
        return self.whole_days.judge(day, counts, missing)

    def values_window(self, days: Sequence[date]) -> list[date]:
        """Return the days whose values `days` are judged by, those included, in order."""
        return lookback_days(days, self.source_first_day, VALUE_DAYS + 1)

    def values(self, days: Sequence[date]) -> pd.DataFrame:
        """Return the stored values of `days` and of the days that they are judged by."""
        return read_daily_values(self.store, self.values_window(days))

    def clean(self, day: date) -> pd.DataFrame:
        """Return the day's clean events, made of its stored rows and histories.

        Histories that lack a client were asked for when the source was another: once more, then.

        Raises:
            PassingSourceError: it lacks the client still, as while it is loaded.
        """
        valid, _ = cleaning.set_aside(self.store.read(names.RAW_EVENTS, day))
        known = self.store.read(names.USER_HISTORY, day)
        if not cleaning.has_all(known, valid["user_id"]):
            known = self.source.read_user_history([day])[day]
            if not cleaning.has_all(known, valid["user_id"]):
                raise PassingSourceError(
                    f"The source has lost clients of {day} since {names.RAW_EVENTS} read them, as "
                    f"while it is loaded. Materialize the day again from {names.RAW_EVENTS} on, "
                    "once it is whole."
                )
            self._store(names.USER_HISTORY, {day: known})
        return cleaning.clean_events(valid, known)

    def event_log(self, days: Sequence[date]) -> EventLog:
        """Return the stored events of `days` and their lookback; the last one made is kept."""
        window = tuple(self.lookback(days))
        if window not in self._logs:
            self._logs.clear()
            self._logs[window] = read_event_log(self.store, window, self.zone)
        return self._logs[window]

    # --- What blocks a day ---

    def outcomes(self, raw: pd.DataFrame, day: date) -> list[CheckOutcome]:
        """Return what the checks find in one day's rows; whether they block it is remembered."""
        found = [check_structure(raw, day), check_bad_rows(raw, self.settings.bad_rows_share)]
        failed = first_blocking(found)
        self._failures[day] = (
            Refusal(day, failed.name, failed.message, stored=True) if failed else None
        )
        return found

    def spoiled_days(self, days: Sequence[date]) -> set[date]:
        """Return those of `days` whose stored rows are bad or cut: no measure for other days."""
        rows = self.store.days(names.RAW_EVENTS)
        bad = {day for day in days if day in rows and self._failure(day)}
        uncounted = set(self.whole_days.missing(days))
        return bad | set(self.whole_days.cut_days([day for day in days if day not in uncounted]))

    def refuse_blocked(self, days: Sequence[date]) -> None:
        """Raise `BlockedDayError` for a day that was refused, or that its checks block, any way."""
        for day in days:
            if refusal := self._refused.get(day):
                raise BlockedDayError(
                    f"{names.RAW_EVENTS} of {day} is refused by its check {refusal.check!r}: "
                    f"{refusal.message}"
                )
            if failure := self._failure(day):
                raise BlockedDayError(
                    f"{names.RAW_EVENTS} of {day} is blocked by its check {failure.check!r}: "
                    f"{failure.message}. Then materialize the day from {names.RAW_EVENTS} on."
                )

    def _are_blocked(self, days: Sequence[date]) -> bool:
        return any(day in self._refused or self._failure(day) for day in days)

    def _store_checked(self, day: date, frame: pd.DataFrame) -> None:
        digest = self.store.write(names.RAW_EVENTS, day, frame)
        day_records.write_checked(self.store, day, self._terms(digest), self._failures[day])

    def _failure(self, day: date) -> Refusal | None:
        """Return what blocks a stored day; the same file is checked once, not every morning."""
        if day not in self._failures:
            terms = self._terms(self.store.digest(names.RAW_EVENTS, day))
            is_known, self._failures[day] = day_records.read_checked(self.store, day, terms)
            if not is_known:
                self.outcomes(self.store.read(names.RAW_EVENTS, day), day)
                day_records.write_checked(self.store, day, terms, self._failures[day])
        return self._failures[day]

    def _terms(self, digest: str) -> dict[str, str | float]:
        """Return what the answer of the checks on a stored day depends on."""
        return {"rows": digest, "bad_rows_share": self.settings.bad_rows_share}
