"""The demo source as this process uses it: the embedded server, started once and left on exit."""

import atexit
from functools import cache
from pathlib import Path

from sales_assets.adapters.demo import embedded_postgres

DATABASE = "demo"
FOLDER = "postgres"


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
