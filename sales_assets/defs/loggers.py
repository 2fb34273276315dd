"""What a command shows of a run: the steps' own messages, without Dagster's bookkeeping."""

import logging
import sys

import dagster as dg


class _Progress(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        step = getattr(record, "dagster_meta", {}).get("step_key") or ""
        message = getattr(record, "dagster_meta", {}).get("orig_message") or record.getMessage()
        return f"{step}: {message}" if step else message


class _OwnMessages(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        meta = getattr(record, "dagster_meta", {})
        if meta.get("dagster_event") is not None:
            return False
        # Logged as a plain message for each step behind a failed one.
        return not str(meta.get("orig_message")).startswith("Dependencies for step ")


def _progress(_context: dg.InitLoggerContext) -> logging.Logger:
    """Return a logger that prints one plain line a message, from INFO on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Progress())
    handler.addFilter(_OwnMessages())
    logger = logging.getLogger("sales_assets.progress")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return logger


progress_logger = dg.LoggerDefinition(
    _progress, description="Progress lines on stderr for the command line."
)
