"""What several commands have in common: a day as an argument, what failed, where a report is."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import click

from sales_assets.adapters.settings import Settings
from sales_assets.core.errors import SalesAssetsError


class _Day(click.ParamType):
    """A report day, like 2026-01-31."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day; write it like 2026-01-31.", param, ctx)


DAY = _Day()


def today_of(settings: Settings) -> date:
    """Return the report's today."""
    return datetime.now(UTC).astimezone(settings.report_zone).date()


def raise_failures(failures: Iterable[str]) -> None:
    """Raise what failed as one error, each sentence once; nothing where nothing failed."""
    told = list(dict.fromkeys(failures))
    if told:
        raise SalesAssetsError("\n".join(told))


def show_report(settings: Settings, day: date) -> None:
    """Print the verdict of `day`, and where its picture and its caption are."""
    from sales_assets.adapters.files.frames import FrameStore
    from sales_assets.adapters.files.reports import NUMBERS, PICTURE, read_report
    from sales_assets.core import names

    store = FrameStore(settings.storage)
    stored = read_report(store, day)
    click.echo(f"verdict: {stored.content['verdict']}")
    click.echo(f"picture: {store.path(names.DAILY_REPORT, day, PICTURE)}")
    click.echo(f"caption: {store.path(names.DAILY_REPORT, day, NUMBERS)}")


def write_receipt(settings: Settings, day: date) -> list[str]:
    """Write the workbook as `<storage>/receipt/<day>.xlsx` and print its path; return what differs.

    Raises:
        MissingDayError: the day's events are not stored.
    """
    from sales_assets.adapters.files.archive import Archive
    from sales_assets.adapters.files.frames import FrameStore, write_bytes
    from sales_assets.core.report.receipt import figures

    store = FrameStore(settings.storage)
    archive = Archive(store, settings.report_zone, settings.crm_client_url)
    sheets, path = archive.receipt(day), store.path("receipt", day, ".xlsx")
    write_bytes(path, archive.receipt_book(day))
    click.echo(f"receipt: {path}")
    return [
        f"{one.sheet}, {one.name}: the picture of {day} shows {one.shown}, what is stored now adds "
        f"up to {one.counted}. Make the report anew: sales-assets report {day}"
        for one in figures(sheets)
        if not one.is_equal
    ]
