"""Configuration plus one thin method each, over objects that know no Dagster."""

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg

from sales_assets.adapters.embedded_postgres import demo_source_url
from sales_assets.adapters.frames import FrameStore
from sales_assets.adapters.source import PostgresSource


class SourceResource(dg.ConfigurableResource):
    """The CRM's Postgres, read only; without a URL the embedded demo server."""

    url: str
    source_zone: str
    report_zone: str
    var_dir: str

    def connect(self) -> PostgresSource:
        """Return the source; the embedded server is started if it is the one."""
        url = self.url or demo_source_url(Path(self.var_dir))
        return PostgresSource(url, ZoneInfo(self.source_zone), ZoneInfo(self.report_zone))


class StorageResource(dg.ConfigurableResource):
    """The folder or object store of frames and reports."""

    base: str

    def store(self) -> FrameStore:
        """Return the store."""
        return FrameStore(self.base)


class CalendarResource(dg.ConfigurableResource):
    """The report zone and the first day of the history."""

    first_day: str
    report_zone: str

    @property
    def first_date(self) -> date:
        """The first partition."""
        return date.fromisoformat(self.first_day)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the report days."""
        return ZoneInfo(self.report_zone)


class QualityResource(dg.ConfigurableResource):
    """How much of a day's rows may be set aside before the day is blocked."""

    bad_rows_share: float
