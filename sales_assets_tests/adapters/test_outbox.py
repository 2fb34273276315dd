import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sales_assets.adapters.delivery.dispatcher import runs_owed
from sales_assets.adapters.outbox import Outbox
from sales_assets.core.errors import SalesAssetsError
from sales_assets_tests.adapters.delivery.delivery_world import (
    CORRECTED,
    DAY,
    REPORT,
    TIMETABLE,
    World,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World.at(tmp_path, is_outbox=True) as world:
        yield world


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    return tmp_path / "outbox" / DAY.isoformat()


def test_a_report_without_a_token_arrives_in_the_outbox_as_files(
    world: World, outbox: Path
) -> None:
    result = world.dispatcher(Outbox(outbox.parent)).deliver(REPORT)

    assert result.is_complete
    assert result.outcomes["chat"].tolist() == ["outbox"]
    assert (outbox / "report-outbox.png").read_bytes() == REPORT.picture
    assert (outbox / "report-outbox.html").read_text() == REPORT.caption_html
    told = json.loads((outbox / "report-outbox.json").read_text())
    assert told["buttons"][-1][0]["data"] == "day:2026-02-11"


def test_a_second_run_writes_nothing(world: World, outbox: Path) -> None:
    dispatcher = world.dispatcher(Outbox(outbox.parent))
    dispatcher.deliver(REPORT)
    (outbox / "report-outbox.png").unlink()

    result = dispatcher.deliver(REPORT)

    assert result.counts["sent"] == 1
    assert not (outbox / "report-outbox.png").exists()


def test_a_rebuilt_day_writes_the_report_over_and_says_what_changed(
    world: World, outbox: Path
) -> None:
    dispatcher = world.dispatcher(Outbox(outbox.parent))
    dispatcher.deliver(REPORT)

    dispatcher.deliver(CORRECTED)

    assert (outbox / "report-outbox.png").read_bytes() == CORRECTED.picture
    assert "было 12, стало 14" in (outbox / "change-outbox.html").read_text()


def test_the_sensor_asks_until_the_outbox_has_the_report(world: World, outbox: Path) -> None:
    reports = {DAY: REPORT.content_sha256}
    [(day, _)] = runs_owed(world.ledger, reports, TIMETABLE, world.clock())
    assert day == DAY

    world.dispatcher(Outbox(outbox.parent)).deliver(REPORT)

    assert runs_owed(world.ledger, reports, TIMETABLE, world.clock()) == []


def test_a_folder_that_cannot_be_written_fails_the_run_and_leaves_the_report_planned(
    world: World, tmp_path: Path
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("in the way")

    with pytest.raises(SalesAssetsError, match="outbox"):
        world.dispatcher(Outbox(blocked)).deliver(REPORT)

    assert world.row(0).state == "planned"
