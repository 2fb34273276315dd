"""The demo source as this process uses it: the embedded server, started once and left on exit."""

import atexit
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sales_assets.core.errors import SalesAssetsError

if TYPE_CHECKING:
    from sales_assets.demo.embedded_postgres import EmbeddedServer

DATABASE = "demo"
FOLDER = "postgres"


def demo_source_url(var_dir: Path) -> str:
    """Return the URL of the demo database under `var_dir`; the server runs until this process ends.

    The database may be empty: `sales-assets demo` fills it.

    Raises:
        SalesAssetsError: the extra `demo` is not installed, or the server does not start.
    """
    return _server(var_dir.absolute()).ensure_database(DATABASE)


@cache
def _server(var_dir: Path) -> "EmbeddedServer":
    try:
        from sales_assets.demo import embedded_postgres

        server = embedded_postgres.start(var_dir / FOLDER)
    except ModuleNotFoundError as error:
        raise SalesAssetsError(
            f"SALES_ASSETS_SOURCE_URL is not set, and the demo's own Postgres is not installed "
            f"({error}). Set it to the CRM's Postgres, or: pip install 'sales-assets[demo]'"
        ) from error
    atexit.register(server.release)
    return server
