"""What is planned anew where a day's report changes again."""

from dataclasses import replace
from datetime import date

from sales_assets.core.delivery.plan import anew
from sales_assets.core.delivery.rows import NEW, Delivery, MessageKind, RowState

SHOWN = Delivery(
    1, date(2026, 2, 12), MessageKind.REPORT, 5, state=RowState.SENT, content_sha256="second"
)
REPLY = replace(
    SHOWN, id=2, kind=MessageKind.CHANGE, content_sha256="second", previous_sha256="first"
)


def test_a_reply_tells_the_way_from_what_the_chat_was_told_last() -> None:
    unplanned = replace(REPLY, id=NEW, state=RowState.PLANNED, previous_sha256=None)
    for told in (REPLY, unplanned):
        assert anew(told, SHOWN, "third").previous_sha256 == "second"
    for state in (RowState.PLANNED, RowState.UNKNOWN, RowState.FAILED):
        assert anew(replace(REPLY, state=state), SHOWN, "third").previous_sha256 == "first"


def test_what_is_being_sent_is_left_to_its_sender() -> None:
    sending = replace(REPLY, state=RowState.SENDING)
    assert anew(sending, SHOWN, "third") == sending


def test_a_doubt_stays_one_and_what_failed_is_tried_as_if_for_the_first_time() -> None:
    doubt = anew(replace(REPLY, state=RowState.UNKNOWN, doubts=1), SHOWN, "third")
    assert (doubt.state, doubt.doubts) == (RowState.UNKNOWN, 1)
    refused = anew(replace(REPLY, state=RowState.FAILED, attempts=3, reason="why"), SHOWN, "third")
    assert (refused.state, refused.attempts, refused.reason) == (RowState.PLANNED, 0, None)
