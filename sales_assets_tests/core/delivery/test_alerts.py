"""What the analysts are told: everything once, one reason once."""

from dataclasses import replace
from datetime import UTC, date, datetime

from sales_assets.core.delivery.alerts import (
    Alert,
    again_button,
    alerts_of,
    plain_alert,
    read_notice,
)
from sales_assets.core.delivery.rows import (
    Answer,
    Delivery,
    MessageKind,
    Outcome,
    Place,
    Reader,
    RowState,
    after,
    claimed,
)

NOW = datetime(2026, 2, 13, 5, 45, tzinfo=UTC)
DAY = date(2026, 2, 12)
READERS = [Reader(Place(chat)) for chat in range(1, 41)]


def ended(chat: int, outcome: Outcome, reason: str = "HTTP 500", claims: int = 1) -> Delivery:
    row = Delivery(chat, DAY, MessageKind.REPORT, chat)
    for _ in range(claims):
        row = after(claimed(row, "me", NOW), Answer(outcome, reason), NOW)
    return row


def told(alert: Alert) -> Delivery:
    """The row of an alert that was sent."""
    return Delivery(
        900, DAY, MessageKind.ALERT, 77, state=RowState.SENT, subject="x", notice=alert.notice
    )


def test_a_notice_survives_the_ledger() -> None:
    alert = Alert("run", "a &lt; b", again_button(3), ((3, 1),))
    assert read_notice("run", alert.notice) == alert


def test_forty_refusals_for_one_reason_are_one_alert_with_their_number() -> None:
    rows = [ended(chat, Outcome.REFUSED, "Bad Request: no rights") for chat in range(1, 41)]
    [alert] = alerts_of(rows, (), READERS)
    assert "40\u00a0чатов" in alert.html
    assert "no rights" in alert.html
    assert alert.buttons[0][0].text == "Отправить ещё раз (40)"
    assert len(alert.about) == 40


def test_two_reasons_are_two_alerts() -> None:
    rows = [ended(1, Outcome.REFUSED, "a"), ended(2, Outcome.REFUSED, "b")]
    assert len(alerts_of(rows, (), READERS)) == 2


def test_what_was_told_is_not_told_again_and_a_new_claim_is() -> None:
    rows = [ended(1, Outcome.UNKNOWN, claims=2), ended(2, Outcome.REFUSED)]
    alerts = alerts_of(rows, (), READERS)
    assert alerts_of([*rows, *map(told, alerts)], (), READERS) == []
    again = replace(rows[0], claims=3)
    assert len(alerts_of([again, rows[1], *map(told, alerts)], (), READERS)) == 1


def test_a_first_doubt_is_told_only_where_it_is_never_repeated() -> None:
    rows = [ended(1, Outcome.UNKNOWN)]
    assert alerts_of(rows, (), READERS) == []
    holding = [Reader(Place(1), holds_doubts=True)]
    [alert] = alerts_of(rows, (), holding)
    assert "настроено не повторять" in alert.html


def test_a_doubt_of_yesterday_is_told_because_nothing_repeats_it() -> None:
    [alert] = alerts_of((), [ended(1, Outcome.UNKNOWN)], READERS)
    assert "неизвестно, дошло ли" in alert.html


def test_a_report_that_cannot_be_edited_is_told_once() -> None:
    rows = [after(claimed(Delivery(1, DAY, MessageKind.REPORT, 1), "me", NOW), _LATER, NOW)]
    [alert] = alerts_of(rows, (), READERS)
    assert "Исправить его там будет нельзя" in alert.html
    assert alert.buttons == ()
    assert alerts_of([*rows, told(alert)], (), READERS) == []


def test_a_long_cause_is_cut_and_not_refused() -> None:
    assert len(plain_alert("run", "x" * 9000).html) <= 4096


_LATER = Answer(Outcome.SENT, "Telegram sends the message later")
