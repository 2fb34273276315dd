"""A clock to play a morning by: a time zone of its own, in which it is a given time right now.

Every process with `tz_path` in PYTHONTZPATH knows it. Seconds pass as they do; at an hour that is
told the clock leaps ahead, so that nobody waits for 09:40.
"""

import os
import struct
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

KEY = "Drills/Morning"
_HALF_A_DAY = timedelta(hours=12)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Leap:
    """The clock goes from one time of the day straight to a later one."""

    since: time
    to: time


def tz_path(folder: Path) -> str:
    """Return PYTHONTZPATH for processes that shall know the zone of the folder."""
    return os.pathsep.join([str(folder.absolute()), *zoneinfo.TZPATH])


def make_zone(folder: Path, reads: time, leap: Leap | None = None) -> ZoneInfo:
    """Write and return a zone whose clock reads about that time now: to the minute."""
    now = datetime.now(UTC)
    offset = _between(datetime.combine(now, reads) - now.replace(tzinfo=None))
    offsets, leaps_at = [offset], []
    if leap:
        today = (now + offset).date()
        leaps_at = [datetime.combine(today, leap.since, tzinfo=UTC) - offset]
        offsets.append(
            offset + datetime.combine(today, leap.to) - datetime.combine(today, leap.since)
        )
    path = folder / KEY
    path.parent.mkdir(parents=True)
    path.write_bytes(_tzif([round(at.timestamp()) for at in leaps_at], offsets))
    with path.open("rb") as file:
        return ZoneInfo.from_file(file, KEY)


def _between(offset: timedelta) -> timedelta:
    """Return the offset in whole minutes, less than half a day."""
    return (offset + _HALF_A_DAY) % (2 * _HALF_A_DAY) // _MINUTE * _MINUTE - _HALF_A_DAY


def _tzif(changes_at: list[int], offsets: list[timedelta]) -> bytes:
    """Return the zone as RFC 8536 says: an empty block of version 1, then the real one."""
    types = b"".join(struct.pack(">lbB", round(one.total_seconds()), 0, 0) for one in offsets)
    times = struct.pack(f">{len(changes_at)}q", *changes_at)
    places = bytes(range(1, len(offsets)))
    name = b"DRILL\0"
    empty = _header(0, 1, 1) + struct.pack(">lbB", 0, 0, 0) + b"\0"
    real = _header(len(changes_at), len(offsets), len(name)) + times + places + types + name
    return empty + real + b"\n\n"


def _header(times: int, types: int, characters: int) -> bytes:
    return b"TZif2" + bytes(15) + struct.pack(">6l", 0, 0, 0, times, types, characters)
