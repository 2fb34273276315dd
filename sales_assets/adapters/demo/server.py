"""The demo source as this process uses it: the embedded server, started once and left on exit."""

import atexit
from functools import cache
from pathlib import Path

from sales_assets.adapters.demo import embedded_postgres
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.source.postgres import PostgresSource

DATABASE = "demo"
FOLDER = "postgres"


def source_at(url: str | None, settings: Settings) -> PostgresSource:
    """Return the source at `url`; without one the demo's, whose embedded server is started."""
    url = url or demo_source_url(settings.var_dir)
    return PostgresSource(url, settings.source_zone, settings.report_zone)


def demo_source_url(var_dir: Path) -> str:
    """Return the URL of the demo database under `var_dir`; the server runs until this process ends.

    The database may be empty: `sales-assets demo` fills it.
    """
    return _server(var_dir.absolute()).ensure_database(DATABASE)


@cache
def _server(var_dir: Path) -> embedded_postgres.EmbeddedServer:
    server = embedded_postgres.start(var_dir / FOLDER)
    atexit.register(server.release)
    return server
