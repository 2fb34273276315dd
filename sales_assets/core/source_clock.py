"""The source's clock without a zone: which of its readings bound an instant."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_STEP = timedelta(minutes=1)


def first_reading(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the smallest reading of a clock in `zone` that counts as `instant` or later.

    Readings count as `core.days.to_instants` reads them: one that the clock shows twice as the
    first, one that it skips as the end of the gap. So `reading >= first_reading(instant)` says
    the same as `instant_of(reading) >= instant`, and the bound moves instead of the column.
    """
    reading = instant.astimezone(zone)
    while reading.fold:  # every reading of the repeated hour counts as earlier
        first, second = ((reading + _STEP).replace(fold=fold) for fold in (0, 1))
        reading = first if first.utcoffset() == second.utcoffset() else second
    naive = reading.replace(tzinfo=None, fold=0)
    while _is_skipped(naive - _STEP, zone):
        naive -= _STEP
    return naive


def _is_skipped(naive: datetime, zone: ZoneInfo) -> bool:
    there = naive.replace(tzinfo=zone)
    return there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive
