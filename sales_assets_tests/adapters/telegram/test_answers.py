"""What an answer of the Bot API proves."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales_assets.adapters.telegram.answers import read_answer
from sales_assets.core.delivery.rows import DEFAULT_PAUSE, Answer, Outcome

CHAT = 5
MESSAGE = {"message_id": 4, "chat": {"id": CHAT}}


@dataclass(frozen=True)
class Raw:
    """An answer as it comes, to a message to `CHAT`."""

    status: int
    body: bytes

    def read(self) -> Answer:
        return read_answer(self.status, self.body, CHAT)


def said(status: int, description: str, **parameters: Any) -> Raw:
    body = {"ok": False, "error_code": status, "description": description}
    return Raw(status, json.dumps(body | {"parameters": parameters}).encode())


def accepted(result: Any, status: int = 200) -> Raw:
    return Raw(status, json.dumps({"ok": True, "result": result}).encode())


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (accepted(MESSAGE), Outcome.SENT),
        (accepted(result=True), Outcome.UNKNOWN),
        (said(400, "Bad Request: message is not modified: specified new"), Outcome.SENT),
        (said(429, "Too Many Requests: retry after 5", retry_after=5), Outcome.WAIT),
        (Raw(429, b"<html>"), Outcome.WAIT),
        (said(403, "Forbidden: bot was blocked by the user"), Outcome.SLEEP),
        (said(403, "Forbidden: bot was kicked from the group chat"), Outcome.SLEEP),
        (said(403, "Forbidden: user is deactivated"), Outcome.SLEEP),
        (said(400, "Bad Request: chat not found"), Outcome.CHAT_NOT_FOUND),
        (said(400, "Bad Request: upgraded", migrate_to_chat_id=-100), Outcome.MIGRATED),
        (said(400, "Bad Request: upgraded", migrate_to_chat_id=CHAT), Outcome.REFUSED),
        (said(400, "Bad Request: upgraded", migrate_to_chat_id=0), Outcome.REFUSED),
        (said(400, "Bad Request: upgraded", migrate_to_chat_id=True), Outcome.REFUSED),
        (said(400, "Bad Request: upgraded", migrate_to_chat_id=-(2**70)), Outcome.REFUSED),
        (said(400, "Bad Request: message thread not found"), Outcome.THREAD_GONE),
        (said(400, "Bad Request: can't parse entities: x"), Outcome.MARKUP),
        (said(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"), Outcome.PICTURE_REFUSED),
        (said(400, "Bad Request: wrong file identifier/HTTP URL"), Outcome.FILE_ID_REFUSED),
        (said(400, "Bad Request: message to edit not found"), Outcome.MESSAGE_GONE),
        (said(400, "Bad Request: CHAT_SEND_PHOTOS_FORBIDDEN"), Outcome.PICTURE_FORBIDDEN),
        (said(400, "Bad Request: CHAT_SEND_MEDIA_FORBIDDEN"), Outcome.PICTURE_FORBIDDEN),
        (said(400, "Bad Request: CHAT_SEND_DOCS_FORBIDDEN"), Outcome.PICTURE_FORBIDDEN),
        (said(400, "Bad Request: PHOTO_SAVE_FILE_INVALID"), Outcome.PICTURE_REFUSED),
        (said(400, "Bad Request: MEDIA_EMPTY"), Outcome.PICTURE_REFUSED),
        (said(400, "Bad Request: CHAT_SEND_PLAIN_FORBIDDEN"), Outcome.REFUSED),
        (said(400, "Bad Request: not enough rights to send text messages"), Outcome.REFUSED),
        (said(400, "Bad Request: something new"), Outcome.REFUSED),
        (said(401, "Unauthorized"), Outcome.STOP),
        (said(404, "Not Found"), Outcome.STOP),
        (Raw(407, b""), Outcome.STOP),
        (Raw(413, b"<html>"), Outcome.TOO_LARGE),
        (Raw(302, b""), Outcome.STOP),
        (Raw(403, b"<html>Access denied</html>"), Outcome.NOT_SENT),
        (Raw(400, b""), Outcome.NOT_SENT),
        (said(500, "Internal Server Error"), Outcome.UNKNOWN),
        (Raw(502, b"<html>"), Outcome.UNKNOWN),
        (Raw(200, b"not json"), Outcome.UNKNOWN),
        (Raw(200, b"[]"), Outcome.UNKNOWN),
        (Raw(200, b"[" * 100_000), Outcome.UNKNOWN),
        (accepted({}), Outcome.UNKNOWN),
        (accepted(MESSAGE | {"message_id": 0}), Outcome.SENT),
        (accepted(MESSAGE | {"message_id": -5}), Outcome.UNKNOWN),
        (accepted(MESSAGE | {"message_id": True}), Outcome.UNKNOWN),
        (accepted(MESSAGE | {"message_id": 2**70}), Outcome.UNKNOWN),
        (accepted(MESSAGE | {"message_id": "4"}), Outcome.UNKNOWN),
        (accepted(MESSAGE | {"chat": {"id": 6}}), Outcome.UNKNOWN),
        (accepted({"message_id": 4}), Outcome.UNKNOWN),
        (accepted(MESSAGE, status=201), Outcome.UNKNOWN),
    ],
)
def test_an_answer_means_what_the_table_says(answer: Raw, outcome: Outcome) -> None:
    assert answer.read().outcome == outcome


def test_a_reason_is_one_line_that_a_database_can_hold() -> None:
    assert said(400, "Bad\0 \ud800Request:\nodd").read().reason == "Bad Request: odd"
    assert len(said(403, "x" * 100_000).read().reason) == 500


@given(status=st.integers(100, 599), body=st.binary(max_size=60))
def test_no_answer_breaks_the_rules_and_no_nonsense_counts_as_sent(
    status: int, body: bytes
) -> None:
    verdict = Raw(status, body).read()
    assert verdict.outcome not in (Outcome.SENT, Outcome.SLEEP, Outcome.CHAT_NOT_FOUND)
    if status < 300 or status >= 500:
        assert verdict.outcome == Outcome.UNKNOWN


def test_a_message_that_comes_later_has_no_number() -> None:
    assert accepted(MESSAGE | {"message_id": 0}).read().message_id is None


def test_a_pause_names_a_chat_in_the_bot_apis_own_words_alone() -> None:
    assert said(429, "Too Many Requests: retry after 5", retry_after=5).read().names_chat
    assert not Raw(429, b"<html>").read().names_chat


def test_what_sends_nothing_brings_a_result() -> None:
    assert read_answer(200, b'{"ok": true, "result": true}').result is True
    assert read_answer(200, b'{"ok": true}').outcome is Outcome.UNKNOWN


def test_a_pause_is_as_long_as_asked_or_a_default() -> None:
    asked = said(429, "Too Many Requests", retry_after=7).read()
    assert asked.retry_after == timedelta(seconds=7)
    assert said(429, "Too Many Requests").read().retry_after == DEFAULT_PAUSE


def test_the_file_id_is_that_of_the_largest_photo_or_of_the_document() -> None:
    photo = {**MESSAGE, "photo": [{"file_id": "s"}, {"file_id": "l"}]}
    assert accepted(photo).read().file_id == "l"
    assert accepted({**MESSAGE, "document": {"file_id": "d"}}).read().file_id == "d"
    assert accepted({**MESSAGE, "photo": []}).read().file_id is None
