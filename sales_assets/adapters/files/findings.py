"""What didn't fit in the source on a stored day, beside the day's raw rows."""

import json
from collections.abc import Iterable
from datetime import date

from sales_assets.adapters.files.frames import FrameStore, MissingDayError, read_bytes, write_bytes
from sales_assets.core import names
from sales_assets.core.source_findings import FINDINGS, Finding

EXTENSION = ".json"


def write_findings(store: FrameStore, day: date, findings: Iterable[Finding]) -> None:
    """Store the findings of `day`, replacing older ones."""
    content = {"findings": FINDINGS.dump_python(tuple(findings), mode="json")}
    text = json.dumps(content, ensure_ascii=False, indent=1)
    write_bytes(store.path(names.RAW_EVENTS, day, EXTENSION), f"{text}\n".encode())


def read_findings(store: FrameStore, day: date) -> tuple[Finding, ...]:
    """Return the findings of `day`; none for a day that was stored without."""
    try:
        content = read_bytes(store.path(names.RAW_EVENTS, day, EXTENSION))
    except MissingDayError:
        return ()
    return FINDINGS.validate_python(json.loads(content)["findings"])
