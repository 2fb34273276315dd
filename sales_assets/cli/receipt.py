"""The receipt of a day from the command line."""

from datetime import date

from upath import UPath

from sales_assets.adapters.files.archive import Archive
from sales_assets.adapters.files.frames import FrameStore, write_bytes
from sales_assets.adapters.settings import Settings
from sales_assets.core.report.receipt import figures

FOLDER, BOOK = "receipt", ".xlsx"


def is_reported(settings: Settings, day: date) -> bool:
    """Whether the day has a report to explain."""
    return day in _archive(settings).report_days()


def write_receipt(settings: Settings, day: date) -> tuple[UPath, list[str]]:
    """Write the workbook as `<storage>/receipt/<day>.xlsx`; return its path and what differs."""
    archive = _archive(settings)
    sheets = archive.receipt(day)
    path = FrameStore(settings.storage).path(FOLDER, day, BOOK)
    write_bytes(path, archive.receipt_book(day))
    return path, [
        f"{one.sheet}, {one.name}: the picture of {day} shows {one.shown}, what is stored now adds "
        f"up to {one.counted}. Make the report anew: sales-assets report {day}"
        for one in figures(sheets)
        if not one.is_equal
    ]


def _archive(settings: Settings) -> Archive:
    store = FrameStore(settings.storage)
    return Archive(store, settings.report_zone, settings.crm_client_url)
