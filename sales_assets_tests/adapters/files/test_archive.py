"""What somebody who asks for a stored day gets."""

import json
import shutil
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from sales_assets.adapters.files.archive import Archive
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.files.reports import read_report, write_report
from sales_assets.core import journey, names
from sales_assets.core.report.receipt import figures
from sales_assets.core.report.wording import full_date
from sales_assets_tests.bot.department import DAY, store_day
from sales_assets_tests.core.metrics.strategies import MOSCOW

BEFORE, NEXT = DAY - timedelta(days=1), DAY + timedelta(days=1)


@pytest.fixture(scope="module")
def department(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("department") / "storage"
    store_day(FrameStore(str(folder)))
    return folder


@pytest.fixture
def archive(department: Path, tmp_path: Path) -> Archive:
    shutil.copytree(department, tmp_path / "storage")
    return Archive(FrameStore(str(tmp_path / "storage")), MOSCOW, None)


def retell(archive: Archive, **changes: Any) -> None:
    """Store the day's report anew with other words or numbers."""
    stored = read_report(archive.store, DAY)
    content = json.dumps(stored.content | changes).encode()
    write_report(archive.store, DAY, stored.picture, content)


def expiring(archive: Archive) -> set[tuple[str, str]] | None:
    cases = archive.expiring(DAY)
    return None if cases is None else set(zip(cases["user_id"], cases["process"], strict=True))


def test_what_is_not_counted_is_not_listed(archive: Archive) -> None:
    requests = {("clara", journey.OPEN_REQUESTS)}
    assert expiring(archive) == {*requests, ("boris", journey.FIRST_LINE)}
    retell(archive, not_counted={"first_line": "в словаре нет события"})
    assert expiring(archive) == requests
    retell(archive, not_counted={"expiring": "в словаре нет событий"})
    assert expiring(archive) is None
    assert archive.expiring(NEXT) is None


def test_the_next_cases_are_those_after_the_press_on_the_report_s_clock(archive: Archive) -> None:
    pressed_at = datetime.fromisoformat(f"{NEXT}T07:00+00:00")
    told = archive.next_expiring(DAY, pressed_at)
    assert "clara" in told
    assert "boris" not in told


def test_a_stuck_case_is_new_beside_the_list_of_the_day_before(archive: Archive) -> None:
    def news() -> list[Any]:
        book = load_workbook(BytesIO(archive.spreadsheet(DAY)))
        rows = list(book.worksheets[1].iter_rows(min_row=2, values_only=True))
        return [row[5] for row in rows if row[1] == "anna"]

    assert news() == ["нет"]  # by its age
    cases = archive.stuck(DAY)
    archive.store.write(names.STUCK_CASES, BEFORE, cases.head(0))
    assert news() == ["да"]
    archive.store.write(names.STUCK_CASES, BEFORE, cases)
    assert news() == ["нет"]


def test_a_receipt_is_of_what_is_stored_by_now(archive: Archive) -> None:
    assert all(figure.is_equal for figure in figures(archive.receipt(DAY)))
    numbers = read_report(archive.store, DAY).content["numbers"]
    more = numbers["expiring_cases"] | {"count": 3}
    retell(archive, numbers=numbers | {"expiring_cases": more})
    assert not all(figure.is_equal for figure in figures(archive.receipt(DAY)))
    assert "anna" in archive.client("anna")
    told = archive.client("boris")
    events = archive.store.read(names.CLEAN_EVENTS, DAY)
    archive.store.write(names.CLEAN_EVENTS, DAY, events[events["user_id"] != "boris"])
    assert archive.client("boris") != told


def test_a_client_is_told_by_the_newest_report_else_by_the_newest_day(archive: Archive) -> None:
    for asset in names.EVENTS:
        if archive.store.days(asset):
            archive.store.write(asset, NEXT, archive.store.read(asset, DAY).head(0))
    assert f"на конец {full_date(DAY)}" in archive.client("anna")
    archive.store.forget(names.DAILY_REPORT, DAY, ".json")
    assert f"на конец {full_date(NEXT)}" in archive.client("anna")


def test_a_picture_belongs_to_its_caption_alone(archive: Archive) -> None:
    stored = read_report(archive.store, DAY)
    caption = stored.content["caption"]
    assert archive.picture_of(DAY, caption) == stored.picture
    assert archive.picture_of(DAY, f"{caption}, corrected") is None
    assert archive.picture_of(NEXT, caption) is None
    archive.store.path(names.DAILY_REPORT, DAY, ".png").write_bytes(b"cut short")
    assert archive.picture_of(DAY, caption) is None
