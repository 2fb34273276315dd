"""Which source is read: the one that is set, or the demo's. The one door to the demo."""

from sales_assets.adapters.settings import Settings
from sales_assets.adapters.source.postgres import PostgresSource


def source_at(url: str | None, settings: Settings) -> PostgresSource:
    """Return the source at `url`; without one the demo's, whose embedded server is started."""
    if not url:
        from sales_assets.demo.server import demo_source_url

        url = demo_source_url(settings.var_dir)
    return PostgresSource(url, settings.source_zone, settings.report_zone)
