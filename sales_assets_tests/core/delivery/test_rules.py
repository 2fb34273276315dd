"""What an answer proves, and what a ledger row becomes by it."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales_assets.core.delivery import rules as delivery
from sales_assets.core.delivery.rules import (
    Answer,
    Delivery,
    Fault,
    Meaning,
    Outcome,
    RowState,
    Timetable,
    after,
    claimed,
    classify,
    expired,
    is_due,
)

NOW = datetime(2026, 2, 13, 5, 45, tzinfo=UTC)
ROW = Delivery(1, date(2026, 2, 12), "report", 5, 0, RowState.PLANNED)


def said(status: int, description: str, **parameters: Any) -> Answer:
    body = {"ok": False, "error_code": status, "description": description}
    return Answer(status, json.dumps(body | {"parameters": parameters}).encode())


def accepted(result: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps({"ok": True, "result": result}).encode())


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (accepted({"message_id": 4}), Outcome.SENT),
        (accepted(result=True), Outcome.UNKNOWN),
        (said(400, "Bad Request: message is not modified: specified new"), Outcome.SENT),
        (said(429, "Too Many Requests: retry after 5", retry_after=5), Outcome.WAIT),
        (Answer(429, b"<html>"), Outcome.WAIT),
        (said(403, "Forbidden: bot was blocked by the user"), Outcome.SLEEP),
        (said(403, "Forbidden: bot was kicked from the group chat"), Outcome.SLEEP),
        (said(403, "Forbidden: user is deactivated"), Outcome.SLEEP),
        (said(400, "Bad Request: chat not found"), Outcome.CHAT_NOT_FOUND),
        (said(400, "Bad Request: upgraded", migrate_to_chat_id=-100), Outcome.MIGRATED),
        (said(400, "Bad Request: message thread not found"), Outcome.THREAD_GONE),
        (said(400, "Bad Request: can't parse entities: x"), Outcome.MARKUP),
        (said(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"), Outcome.PICTURE_REFUSED),
        (said(400, "Bad Request: wrong file identifier/HTTP URL"), Outcome.FILE_ID_REFUSED),
        (said(400, "Bad Request: message to edit not found"), Outcome.MESSAGE_GONE),
        (said(400, "Bad Request: something new"), Outcome.REFUSED),
        (said(401, "Unauthorized"), Outcome.STOP),
        (said(404, "Not Found"), Outcome.STOP),
        (Answer(407, b""), Outcome.STOP),
        (Answer(413, b"<html>"), Outcome.STOP),
        (Answer(302, b""), Outcome.STOP),
        (Answer(403, b"<html>Access denied</html>"), Outcome.NOT_SENT),
        (Answer(400, b""), Outcome.NOT_SENT),
        (said(500, "Internal Server Error"), Outcome.UNKNOWN),
        (Answer(502, b"<html>"), Outcome.UNKNOWN),
        (Answer(200, b"not json"), Outcome.UNKNOWN),
        (Answer(200, b"[]"), Outcome.UNKNOWN),
        (Answer(200, b"[" * 100_000), Outcome.UNKNOWN),
        (accepted({}), Outcome.UNKNOWN),
        (accepted({"message_id": 4}, status=201), Outcome.UNKNOWN),
        (Answer(fault=Fault.LOST), Outcome.UNKNOWN),
        (Answer(fault=Fault.NOT_CONNECTED), Outcome.NOT_SENT),
        (Answer(fault=Fault.PROXY_REFUSED), Outcome.STOP),
        (Answer(fault=Fault.SETTING), Outcome.STOP),
    ],
)
def test_an_answer_means_what_the_table_says(answer: Answer, outcome: Outcome) -> None:
    assert classify(answer).outcome == outcome


@given(status=st.integers(100, 599), body=st.binary(max_size=60))
def test_no_answer_breaks_the_rules_and_no_nonsense_counts_as_sent(
    status: int, body: bytes
) -> None:
    verdict = classify(Answer(status, body))
    assert verdict.outcome not in (Outcome.SENT, Outcome.SLEEP, Outcome.CHAT_NOT_FOUND)
    if status < 300 or status >= 500:
        assert verdict.outcome == Outcome.UNKNOWN


def test_a_pause_is_as_long_as_asked_or_a_default() -> None:
    asked = classify(said(429, "Too Many Requests", retry_after=7))
    assert asked.retry_after == timedelta(seconds=7)
    assert classify(said(429, "Too Many Requests")).retry_after == delivery.DEFAULT_PAUSE


def test_the_file_id_is_that_of_the_largest_photo_or_of_the_document() -> None:
    photo = {"message_id": 1, "photo": [{"file_id": "s"}, {"file_id": "l"}]}
    assert classify(accepted(photo)).file_id == "l"
    assert classify(accepted({"message_id": 1, "document": {"file_id": "d"}})).file_id == "d"
    assert classify(accepted({"message_id": 1, "photo": []})).file_id is None


# --- Rows ---


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_ends_the_claim_and_leaves_the_row_itself_unchanged(
    outcome: Outcome,
) -> None:
    claim = claimed(ROW, "me", NOW)
    row = after(claim, Meaning(outcome, "why"), NOW)
    assert row.state != RowState.SENDING
    assert row.lease_until is None
    assert claim.state == RowState.SENDING
    assert replace(ROW) == ROW


def test_a_pause_or_a_stop_costs_no_attempt() -> None:
    claim = claimed(ROW, "me", NOW)
    assert claim.attempts == 1
    assert after(claim, Meaning(Outcome.WAIT), NOW).attempts == 0
    assert after(claim, Meaning(Outcome.STOP), NOW).attempts == 0
    assert after(claim, Meaning(Outcome.NOT_SENT), NOW).attempts == 1


def test_a_doubt_is_repeated_once_after_the_grace_time_and_never_again() -> None:
    doubted = after(claimed(ROW, "me", NOW), Meaning(Outcome.UNKNOWN), NOW)
    later = NOW + delivery.GRACE
    assert not is_due(doubted, NOW, holds_doubts=False)
    assert is_due(doubted, later, holds_doubts=False)
    assert not is_due(doubted, later, holds_doubts=True)
    again = after(claimed(doubted, "me", later), Meaning(Outcome.UNKNOWN), later)
    assert not is_due(again, later + timedelta(days=1), holds_doubts=False)
    assert again.possible_duplicate


def test_a_repeat_that_could_not_be_sent_leaves_the_first_copy_in_doubt() -> None:
    doubted = after(claimed(ROW, "me", NOW), Meaning(Outcome.UNKNOWN), NOW)
    for outcome in (Outcome.NOT_SENT, Outcome.WAIT, Outcome.STOP):
        row = after(claimed(doubted, "me", NOW), Meaning(outcome), NOW)
        assert (row.state, row.doubts) == (RowState.UNKNOWN, 1)
        assert is_due(row, NOW + timedelta(hours=1), holds_doubts=False)


def test_a_dead_sender_leaves_a_doubt_from_the_end_of_its_lease() -> None:
    row = expired(claimed(ROW, "me", NOW))
    assert row.state == RowState.UNKNOWN
    assert row.not_before == NOW + delivery.LEASE + delivery.GRACE


def test_a_repeat_by_hand_is_flagged_where_any_copy_before_is_in_doubt() -> None:
    doubted = delivery.after(ROW, Meaning(Outcome.UNKNOWN), NOW)
    refused = delivery.after(doubted, Meaning(Outcome.SLEEP, "kicked"), NOW)
    never_sent = delivery.after(ROW, Meaning(Outcome.SLEEP, "kicked"), NOW)
    for row, is_flagged in ((doubted, True), (refused, True), (never_sent, False)):
        again = delivery.sent_again(row)
        assert delivery.after(again, Meaning(Outcome.SENT), NOW).possible_duplicate is is_flagged


def test_an_edit_in_doubt_is_simply_planned_again() -> None:
    edit = replace(ROW, kind="edit")
    row = after(claimed(edit, "me", NOW), Meaning(Outcome.UNKNOWN), NOW)
    assert (row.state, row.possible_duplicate) == (RowState.PLANNED, False)


def test_the_wait_after_vain_attempts_grows_up_to_a_bound() -> None:
    waits = [delivery.backoff(attempts) for attempts in range(1, 40)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (delivery.FIRST_BACKOFF, delivery.LONGEST_BACKOFF)


def test_the_lease_is_longer_than_the_longest_request() -> None:
    from sales_assets.adapters.delivery.telegram import REQUEST_SECONDS

    assert timedelta(seconds=REQUEST_SECONDS) < delivery.LEASE


# --- The timetable ---


@pytest.mark.parametrize(
    ("zone", "due_at"),
    [
        ("Europe/Moscow", datetime(2026, 3, 29, 5, 45, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 3, 29, 6, 45, tzinfo=UTC)),
    ],
)
def test_a_report_is_due_by_the_clock_on_the_wall(zone: str, due_at: datetime) -> None:
    timetable = Timetable(ZoneInfo(zone), time(8, 45))
    assert timetable.due_at(date(2026, 3, 28)) == due_at


def test_the_newest_finished_day_is_yesterday_in_the_zone() -> None:
    timetable = Timetable(ZoneInfo("Europe/Moscow"), time(8, 45))
    late = datetime(2026, 2, 12, 21, 30, tzinfo=UTC)
    assert timetable.newest_finished_day(late) == date(2026, 2, 12)


def test_the_attempt_grows_with_the_clock_alone() -> None:
    timetable = Timetable(ZoneInfo("Europe/Moscow"), time(8, 45))
    due_at = timetable.due_at(ROW.report_day)
    attempts = [
        timetable.attempt(ROW.report_day, due_at + delivery.RETRY_EVERY * n / 2) for n in range(5)
    ]
    assert attempts == [1, 1, 2, 2, 3]
