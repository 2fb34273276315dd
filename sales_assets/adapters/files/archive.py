"""The stored reports and stuck cases, as somebody who asks for them gets them."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from sales_assets.adapters.files import reports as report_files
from sales_assets.adapters.files.day_records import read_refusal
from sales_assets.adapters.files.frames import (
    FrameStore,
    MissingDayError,
    StorageError,
    read_daily_values,
    read_event_log,
)
from sales_assets.adapters.files.reports import StoredReport
from sales_assets.adapters.files.spreadsheet import workbook
from sales_assets.core import names
from sales_assets.core.bot.client import client_text, next_expiring
from sales_assets.core.days import ReportDays, lookback_days
from sales_assets.core.judgement import Completeness
from sales_assets.core.report.inputs import DayEvents, ReportInputs, counted_cases
from sales_assets.core.report.receipt import receipt, with_overview
from sales_assets.core.report.report import about_of
from sales_assets.core.report.sheet import Sheet, expiring_sheet, stuck_sheet
from sales_assets.core.report.wording import full_date
from sales_assets.core.russian import bot as ru
from sales_assets.core.russian import report as russian
from sales_assets.core.source_findings import EXPIRING
from sales_assets.core.windows import EVENT_DAYS, VALUE_DAYS, days_up_to


@dataclass
class Archive:
    """Reads what the orchestrator stored; writes nothing."""

    store: FrameStore
    zone: ZoneInfo
    crm_client_url: str | None
    _kept: tuple[tuple[object, ...], tuple[DayEvents, tuple[Sheet, ...]]] | None = None

    def report_days(self) -> set[date]:
        """Return the days that have a report."""
        return self.store.days(names.DAILY_REPORT, report_files.NUMBERS)

    def report(self, day: date) -> StoredReport | None:
        """Return the report of `day`, or None; raise `StorageError` if its files don't match."""
        with suppress(MissingDayError):
            return report_files.read_report(self.store, day)
        return None

    def refused(self, day: date) -> Completeness | None:
        """Return what the source lacks of a day that was refused for it."""
        refusal = read_refusal(self.store, day)
        return refusal.completeness if refusal else None

    def picture_of(self, day: date, caption: str) -> bytes | None:
        """Return the picture that belongs to this very caption, if it is still stored."""
        try:
            stored = self.report(day)
        except StorageError:
            return None
        return stored.picture if stored and stored.content["caption"] == caption else None

    def stuck(self, day: date) -> pd.DataFrame:
        """Return the stuck cases of `day`; raise `MissingDayError` if the day has no list."""
        return self.store.read(names.STUCK_CASES, day)

    def expiring(self, day: date) -> pd.DataFrame | None:
        """Return the expiring cases of `day` as its report counts them; None if not stored."""
        try:
            cases = self.store.read(names.EXPIRING_CASES, day)
        except MissingDayError:
            return None
        not_counted = self._content(day).get("not_counted", {})
        return None if EXPIRING in not_counted else counted_cases(cases, not_counted)

    def next_expiring(self, day: date, pressed_at: datetime) -> str:
        """Return the next expiring cases of `day` from the moment of a press on, as HTML."""
        cases = self.expiring(day)
        if cases is None:
            return ru.BOT_NO_LIST.format(day=full_date(day))
        clock = pressed_at.astimezone(self.zone).replace(tzinfo=None)
        return next_expiring(cases, day, clock, self.crm_client_url)

    def receipt(self, day: date) -> tuple[Sheet, ...]:
        """Return where the report's numbers come from, by what is stored now.

        Without the day's events it raises `MissingDayError`.
        """
        return self._of_day(day)[1]

    def receipt_book(self, day: date) -> bytes:
        """Return the receipt as an .xlsx file, beginning with all numbers beside the picture's."""
        title = f"{russian.RECEIPT_TITLE} {full_date(day)}"
        sheets = with_overview(self.receipt(day))
        return workbook(sheets, title, day, self.zone, self.crm_client_url)

    def _of_day(self, day: date) -> tuple[DayEvents, tuple[Sheet, ...]]:
        """Return what a day's numbers are counted from, and its receipt; the last day's are kept.

        They take a second, and whoever looks at numbers asks for one client after another.
        """
        version = (
            day,
            self.store.written_at(names.DAILY_REPORT, day, report_files.NUMBERS),
            *(self.store.written_at(asset, day) for asset in (*names.EVENTS, names.DAILY_VALUES)),
        )
        kept = self._kept
        if kept is None or kept[0] != version:
            content = self._content(day)
            events = self._read_events(day, content)
            kept = self._kept = version, (events, receipt(events, content.get("numbers", {})))
        return kept[1]

    def _read_events(self, day: date, content: Mapping[str, Any]) -> DayEvents:
        stored = self.store.days(names.CLEAN_EVENTS) & self.store.days(names.USER_HISTORY)
        lookback = [each for each in days_up_to(day, EVENT_DAYS) if each in stored]
        log = read_event_log(self.store, lookback, self.zone)
        about = about_of(content, day, self.zone)
        window = lookback_days([day], about.history_first_day, VALUE_DAYS + 1)
        values = read_daily_values(self.store, window)
        return DayEvents(
            ReportDays((day,), self.zone),
            log,
            self.store.read(names.RAW_EVENTS, day),
            self.store.read(names.USER_HISTORY, day),
            ReportInputs(about, {}, values),
        )

    def _content(self, day: date) -> Mapping[str, Any]:
        """Return the stored report's words and numbers; nothing where there is none."""
        with suppress(MissingDayError):
            return report_files.read_content(self.store, day)
        return {}

    def spreadsheet(self, day: date) -> bytes:
        """Return the expiring and the stuck cases of `day` as an .xlsx file."""
        previous = None
        with suppress(MissingDayError):
            previous = self.store.read(names.STUCK_CASES, day - timedelta(days=1))
        sheets = [stuck_sheet(self.stuck(day), day, previous)]
        expiring = self.expiring(day)
        if expiring is not None:
            sheets.insert(0, expiring_sheet(expiring, day))
        title = f"{russian.LISTS_TITLE} {full_date(day)}"
        return workbook(sheets, title, day, self.zone, self.crm_client_url)

    def client(self, client: str) -> str:
        """Return where the client with this id stands, by the newest report's day, as HTML."""
        stored = self.store.days(names.RAW_EVENTS) & self.store.days(names.CLEAN_EVENTS)
        day = max(stored & self.report_days(), default=max(stored, default=None))
        if day is None:
            return ru.BOT_NO_REPORTS
        return client_text(client, *self._of_day(day))
