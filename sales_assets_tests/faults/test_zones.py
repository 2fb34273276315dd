"""The clock of the drills."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sales_assets_tests.faults.zones import KEY, Leap, make_zone, tz_path


def clock(moment: datetime) -> time:
    return moment.time().replace(second=0, microsecond=0)


@pytest.mark.parametrize("reads", [time(0), time(8, 41), time(23, 56)])
def test_a_zone_reads_what_it_is_told_to_the_minute(tmp_path: Path, reads: time) -> None:
    now = datetime.now(make_zone(tmp_path, reads))
    told = datetime.combine(date.min + timedelta(days=1), reads)
    assert clock(now) in {reads, (told - timedelta(minutes=1)).time()}


def test_its_clock_leaps_at_the_hour_that_is_told(tmp_path: Path) -> None:
    zone = make_zone(tmp_path, time(8, 45), Leap(time(8, 47), time(9, 39)))
    began = datetime.now(UTC)
    seen = [clock((began + timedelta(minutes=n)).astimezone(zone)) for n in range(5)]
    assert seen == sorted(seen)
    assert time(8, 46) in seen
    assert time(9, 39) in seen
    assert not any(time(8, 47) <= one < time(9, 39) for one in seen)


def test_another_process_knows_the_zone_and_all_others(tmp_path: Path) -> None:
    zone = make_zone(tmp_path, time(12))
    code = (
        "from datetime import datetime; from zoneinfo import ZoneInfo; ZoneInfo('Europe/Moscow'); "
        f"print(datetime.now(ZoneInfo('{KEY}')).utcoffset().total_seconds())"
    )
    environment = os.environ | {"PYTHONTZPATH": tz_path(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True
    )
    offset = datetime.now(zone).utcoffset()
    assert offset is not None
    assert float(told.stdout) == offset.total_seconds()
    assert datetime.now(ZoneInfo("Europe/Moscow")).tzinfo != zone
