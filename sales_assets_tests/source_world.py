"""BASE of the open cases on fixed days: a source of twelve weeks whose numbers are known."""

from datetime import date, timedelta

from sales_assets_tests import base_source
from sales_assets_tests.base_source import DICTIONARY

__all__ = ["BEFORE", "DAY", "DICTIONARY", "make_base"]

DAY = date(2026, 11, 23)
BEFORE = DAY - timedelta(days=1)


def make_base(url: str, change: str = "") -> None:
    """Replace what the database holds by BASE, and change it."""
    base_source.make_base(url, DAY, change)
