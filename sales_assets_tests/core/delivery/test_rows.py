"""What a row of the ledger becomes by an answer."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from sales_assets.core.delivery import rows as delivery
from sales_assets.core.delivery.rows import (
    Answer,
    Delivery,
    MessageKind,
    Outcome,
    RowState,
    after,
    claimed,
    expired,
    is_due,
)

NOW = datetime(2026, 2, 13, 5, 45, tzinfo=UTC)
ROW = Delivery(1, date(2026, 2, 12), MessageKind.REPORT, 5)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_ends_the_claim_and_leaves_the_row_itself_unchanged(
    outcome: Outcome,
) -> None:
    claim = claimed(ROW, "me", NOW)
    row = after(claim, Answer(outcome, "why"), NOW)
    assert row.state != RowState.SENDING
    assert row.lease_until is None
    assert claim.state == RowState.SENDING
    assert replace(ROW) == ROW


def test_a_pause_or_a_stop_costs_no_attempt() -> None:
    claim = claimed(ROW, "me", NOW)
    assert claim.attempts == 1
    assert after(claim, Answer(Outcome.WAIT), NOW).attempts == 0
    assert after(claim, Answer(Outcome.STOP), NOW).attempts == 0
    assert after(claim, Answer(Outcome.NOT_SENT), NOW).attempts == 1


def test_a_doubt_is_repeated_once_after_the_grace_time_and_never_again() -> None:
    doubted = after(claimed(ROW, "me", NOW), Answer(Outcome.UNKNOWN), NOW)
    later = NOW + delivery.GRACE
    assert not is_due(doubted, NOW, holds_doubts=False)
    assert is_due(doubted, later, holds_doubts=False)
    assert not is_due(doubted, later, holds_doubts=True)
    again = after(claimed(doubted, "me", later), Answer(Outcome.UNKNOWN), later)
    assert not is_due(again, later + timedelta(days=1), holds_doubts=False)
    assert again.possible_duplicate


def test_a_repeat_that_could_not_be_sent_leaves_the_first_copy_in_doubt() -> None:
    doubted = after(claimed(ROW, "me", NOW), Answer(Outcome.UNKNOWN), NOW)
    for outcome in (Outcome.NOT_SENT, Outcome.WAIT, Outcome.STOP):
        row = after(claimed(doubted, "me", NOW), Answer(outcome), NOW)
        assert (row.state, row.doubts) == (RowState.UNKNOWN, 1)
        assert is_due(row, NOW + timedelta(hours=1), holds_doubts=False)


def test_a_dead_sender_leaves_a_doubt_from_the_end_of_its_lease() -> None:
    row = expired(claimed(ROW, "me", NOW))
    assert row.state == RowState.UNKNOWN
    assert row.not_before == NOW + delivery.LEASE + delivery.GRACE


def test_a_repeat_by_hand_is_flagged_where_any_copy_before_is_in_doubt() -> None:
    doubted = delivery.after(ROW, Answer(Outcome.UNKNOWN), NOW)
    refused = delivery.after(doubted, Answer(Outcome.SLEEP, "kicked"), NOW)
    never_sent = delivery.after(ROW, Answer(Outcome.SLEEP, "kicked"), NOW)
    for row, is_flagged in ((doubted, True), (refused, True), (never_sent, False)):
        again = delivery.sent_again(row)
        assert delivery.after(again, Answer(Outcome.SENT), NOW).possible_duplicate is is_flagged


def test_an_edit_in_doubt_is_simply_planned_again() -> None:
    edit = replace(ROW, kind=MessageKind.EDIT)
    row = after(claimed(edit, "me", NOW), Answer(Outcome.UNKNOWN), NOW)
    assert (row.state, row.possible_duplicate) == (RowState.PLANNED, False)


def test_the_wait_after_vain_attempts_grows_up_to_a_bound() -> None:
    waits = [delivery.backoff(attempts) for attempts in range(1, 40)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (delivery.FIRST_BACKOFF, delivery.LONGEST_BACKOFF)


def test_the_lease_is_longer_than_the_longest_request() -> None:
    from sales_assets.adapters.telegram.client import REQUEST_SECONDS

    assert timedelta(seconds=REQUEST_SECONDS) < delivery.LEASE


def test_an_alert_is_given_up_where_its_chat_cannot_be_reached_for_the_hour() -> None:
    alert = claimed(replace(ROW, kind=MessageKind.ALERT, subject="late"), "me", NOW)
    long = Answer(Outcome.WAIT, retry_after=timedelta(hours=1))
    short = Answer(Outcome.WAIT, retry_after=timedelta(minutes=1))
    for answer in (long, Answer(Outcome.CHAT_NOT_FOUND), Answer(Outcome.SLEEP)):
        assert after(alert, answer, NOW).state is RowState.FAILED
    for answer in (short, Answer(Outcome.NOT_SENT), Answer(Outcome.STOP)):
        assert after(alert, answer, NOW).state is RowState.PLANNED


def test_of_two_rows_that_become_one_the_other_copy_is_flagged_unless_it_is_certain() -> None:
    under_way = claimed(ROW, "me", NOW)
    assert not delivery.merged(ROW, under_way, is_unsent=True).possible_duplicate
    assert delivery.merged(ROW, under_way, is_unsent=False).possible_duplicate
    doubted = after(under_way, Answer(Outcome.UNKNOWN), NOW)
    assert delivery.merged(ROW, doubted, is_unsent=True).possible_duplicate
