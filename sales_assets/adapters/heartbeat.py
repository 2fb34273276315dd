"""A sign of life for a monitor outside: called when everything is done, so that silence tells."""

import logging
import urllib.request
from http.client import HTTPException

TIMEOUT_SECONDS = 10


def beat(url: str | None, log: logging.Logger | logging.LoggerAdapter) -> None:
    """Call the address, if one is set; an unreachable monitor fails nothing.

    The address may hold a secret, so it stands in no message.
    """
    if not url:
        return
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS):  # noqa: S310 - http alone is set
            log.info("SALES_ASSETS_HEARTBEAT_URL was called")
    except (OSError, HTTPException, ValueError) as error:
        log.warning("SALES_ASSETS_HEARTBEAT_URL could not be called: %s", type(error).__name__)
