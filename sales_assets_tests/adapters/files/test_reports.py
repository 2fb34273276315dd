from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sales_assets.adapters.files.frames import FrameStore, MissingDayError, StorageError
from sales_assets.adapters.files.reports import (
    content_hashes,
    read_content,
    read_report,
    write_report,
)
from sales_assets.core.delivery.messages import CAPTION_LIMIT
from sales_assets.core.report.part import VerdictKind
from sales_assets.core.report.report import headline_numbers, json_bytes

DAY, OTHER_DAY = date(2025, 1, 6), date(2025, 1, 7)
PICTURE = b"\x89PNG a picture"


@pytest.fixture
def store(tmp_path: Path) -> FrameStore:
    return FrameStore(str(tmp_path))


def content(**changes: Any) -> bytes:
    whole = {
        "caption": "<b>Всё хорошо</b>",
        "verdict": "Всё хорошо",
        "numbers": {"new_paying": {"value": 12}},
        "notes": ["заметка"],
        "sha256": sha256(PICTURE).hexdigest(),
    }
    return json_bytes(whole | changes)


def test_a_stored_report_is_what_the_delivery_sends(store: FrameStore) -> None:
    write_report(store, DAY, PICTURE, content())
    stored = read_report(store, DAY)
    message = stored.to_send()
    assert (message.day, message.verdict, message.notes) == (DAY, "Всё хорошо", ("заметка",))
    assert message.caption_html == "<b>Всё хорошо</b>"
    assert message.numbers == headline_numbers(read_content(store, DAY)["numbers"])
    assert (message.is_new, message.is_neutral) == (True, False)
    assert message.picture == PICTURE
    assert message.content_sha256 == sha256(content()).hexdigest()


@pytest.mark.parametrize("is_new", [True, False])
def test_a_stored_report_says_whether_its_verdict_is_new(
    store: FrameStore, *, is_new: bool
) -> None:
    write_report(store, DAY, PICTURE, content(is_new=is_new))
    assert read_report(store, DAY).to_send().is_new is is_new


def test_the_report_of_a_cut_day_is_neutral(store: FrameStore) -> None:
    write_report(store, DAY, PICTURE, content(verdict_kind=VerdictKind.INCOMPLETE))
    assert read_report(store, DAY).to_send().is_neutral


def test_a_caption_that_telegram_would_refuse_is_refused(store: FrameStore) -> None:
    write_report(store, DAY, PICTURE, content(caption="я" * (CAPTION_LIMIT + 1)))
    with pytest.raises(StorageError, match=f"longer than {CAPTION_LIMIT} characters"):
        read_report(store, DAY)


def test_a_report_is_there_once_its_picture_is(store: FrameStore) -> None:
    store.path("daily_report", DAY, ".png").mkdir(parents=True)
    with pytest.raises(StorageError):
        write_report(store, DAY, PICTURE, content())
    assert content_hashes(store, [DAY]) == {}


def test_a_day_without_a_report_is_missing(store: FrameStore) -> None:
    with pytest.raises(MissingDayError, match=str(DAY)):
        read_report(store, DAY)


def test_a_picture_without_its_json_is_no_report(store: FrameStore) -> None:
    write_report(store, DAY, PICTURE, content())
    store.path("daily_report", DAY, ".json").unlink()
    assert content_hashes(store, [DAY]) == {}
    with pytest.raises(MissingDayError):
        read_report(store, DAY)


def test_a_picture_that_its_json_does_not_describe_is_refused(store: FrameStore) -> None:
    write_report(store, DAY, PICTURE, content())
    store.path("daily_report", DAY, ".png").write_bytes(b"\x89PNG another")
    with pytest.raises(StorageError, match="cut short"):
        read_report(store, DAY)


def test_the_hash_of_a_day_changes_with_its_content_alone(store: FrameStore) -> None:
    write_report(store, DAY, PICTURE, content())
    first = content_hashes(store, [DAY, OTHER_DAY])
    write_report(store, DAY, PICTURE, content())
    assert content_hashes(store, [DAY, OTHER_DAY]) == first
    write_report(store, DAY, PICTURE, content(verdict="Иначе"))
    assert content_hashes(store, [DAY]) != first
