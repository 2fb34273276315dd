"""What must hold when a round is over; every breach is a sentence."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sales_assets.adapters.state.database import BotUpdate, Subscription
from sales_assets.adapters.state.ledger import Ledger
from sales_assets.core.delivery.rows import Delivery, MessageKind, RowState, is_final_doubt
from sales_assets_tests.faults.stage import HEALTHY, MIGRATES, VERDICT, Seat, Stage

SENDS = ("sendPhoto", "sendDocument", "sendMessage")
ASLEEP, ACTIVE = "asleep", "active"


@dataclass
class Figures:
    """What a round came to; rounds add up."""

    rounds: int = 0
    chats: int = 0
    copies: int = 0
    extra: int = 0
    flagged: int = 0
    in_doubt: int = 0
    recovered: int = 0
    asleep: int = 0
    kills: int = 0
    updates: int = 0
    wrong: int = 0
    lost: int = 0

    def add(self, other: "Figures") -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass(frozen=True)
class Place:
    """A subscribed chat at the end: every id it ever had, its rows, what it was sent."""

    ids: frozenset[int]
    thread: int
    holds: bool
    state: str
    reason: str | None
    rows: dict[str, Delivery]
    accepted: list[dict[str, Any]]

    @property
    def copies(self) -> list[dict[str, Any]]:
        return [one for one in self.accepted if is_report(one)]

    @property
    def report(self) -> Delivery | None:
        return self.rows.get(MessageKind.REPORT)

    def __str__(self) -> str:
        return f"chat {sorted(self.ids)}/{self.thread}"


def places(stage: Stage) -> list[Place]:
    """Every subscription of the state, with what the fake knows of it."""
    with stage.state() as state:
        ledger = Ledger(state)
        with state.reading() as session:
            found = session.query(Subscription).order_by(Subscription.id).all()
        rows = ledger.rows(stage.day)
    ids = {one: frozenset(seat.ids) for seat in stage.seats for one in seat.ids}
    return [
        Place(
            ids=ids.get(one.chat, frozenset([one.chat])),
            thread=one.thread,
            holds=one.doubt_policy == "hold",
            state=one.state,
            reason=one.reason,
            rows={r.kind: r for r in rows if (r.chat, r.thread) == (one.chat, one.thread)},
            accepted=[
                sent
                for chat in ids.get(one.chat, [one.chat])
                for sent in stage.fake.accepted(chat)
                if (sent["thread_id"] or 0) == one.thread
            ],
        )
        for one in found
    ]


def is_report(sent: dict[str, Any]) -> bool:
    """Whether the service carried out a first message of the day's report."""
    message = sent["message"] or {}
    is_media = "photo" in message or "document" in message
    return sent["method"] in SENDS and is_media and VERDICT in message.get("caption", "")


# --- The delivery -------------------------------------------------------------------------------


def delivery_breaches(stage: Stage, found: list[Place]) -> Iterator[str]:
    alerts = told_rows(stage)
    for place in found:
        yield from copy_breaches(place)
        yield from row_breaches(place, alerts)
        if place.state == ACTIVE:
            yield from correction_breaches(stage, place)
    for seat in stage.seats:
        yield from seat_breaches(seat, found)
    yield from general_breaches(stage)
    yield from (f"aiogram's models object: {words}" for words in stage.fake.violations)


def told_rows(stage: Stage) -> set[tuple[int, int]]:
    """The rows, each with its claims, that an alert told the admin of, or was to tell."""
    with stage.state() as state:
        rows = Ledger(state).rows(stage.day)
    ends = (
        RowState.SENT,
        RowState.FAILED,
    )  # one that fails is given up for the day: doctor says so
    told = [row for row in rows if row.chat == stage.admin and row.state in ends]
    return {(one[0], one[1]) for row in told if row.notice for one in row.notice["about"]}


def copy_breaches(place: Place) -> Iterator[str]:
    count, row = len(place.copies), place.report
    is_flagged = row is not None and (row.possible_duplicate or row.state == RowState.UNKNOWN)
    if count > 2:
        yield f"wrong: {place} got {count} copies"
    if count == 2 and not is_flagged:
        yield f"wrong: {place} got two copies and the ledger does not say so: {row}"
    if count > 1 and place.holds:
        yield f"wrong: {place} holds doubts and got {count} copies"
    for kind, other in place.rows.items():
        texts = sent_texts(place, kind)
        if texts > 1 + other.possible_duplicate and other.state != RowState.UNKNOWN:
            yield f"wrong: {place} got {kind} {texts} times: {other}"


def sent_texts(place: Place, kind: str) -> int:
    """How often the change reply arrived; other texts are told apart by nothing."""
    if kind != MessageKind.CHANGE:
        return 0
    row = place.rows[kind]
    told = [sent for sent in place.accepted if sent["method"] == "sendMessage" and sent["message"]]
    # A chat that migrated counts its messages anew: two texts may have the row's id.
    words = {sent["message"]["text"] for sent in told if sent["message_id"] == row.message_id}
    counts = Counter(sent["message"]["text"] for sent in told)
    return max((counts[text] for text in words), default=0)


def row_breaches(place: Place, alerts: set[tuple[int, int]]) -> Iterator[str]:
    row, count = place.report, len(place.copies)
    if row is None or row.state in (RowState.PLANNED, RowState.SENDING):
        if place.state == ACTIVE:
            yield f"lost: {place} is active and its report is {row and row.state}: {row}"
        return
    if row.state == RowState.SENT and not count:
        yield f"lost: {place} got nothing and the ledger says sent: {row}"
    numbers = {None, *(copy["message_id"] for copy in place.copies)}
    if row.state == RowState.SENT and row.message_id not in numbers:
        yield f"wrong: {place}: no copy has the ledger's message {row.message_id}"
    if row.state == RowState.FAILED and count > row.doubts:
        yield f"wrong: {place} got {count} copies and the ledger says failed: {row}"
    if row.state == RowState.FAILED and place.state == ACTIVE:
        yield f"lost: {place} is active and was refused: {row.reason}"
    if row.state == RowState.UNKNOWN and place.state == ACTIVE:
        yield from doubt_breaches(place, row, alerts)


def doubt_breaches(place: Place, row: Delivery, alerts: set[tuple[int, int]]) -> Iterator[str]:
    if not is_final_doubt(row, holds_doubts=place.holds):
        yield f"lost: {place} is in a doubt that a repeat would settle: {row}"
    elif (row.id, row.claims) not in alerts:
        yield f"lost: {place} is in doubt and no admin was asked: {row}, {sorted(alerts)}"


def correction_breaches(stage: Stage, place: Place) -> Iterator[str]:
    """A chat whose report arrived shows the newest version, and heard what changed."""
    row = place.report
    if row is None or row.state != RowState.SENT:
        return
    shown = shown_caption(stage, place, row.message_id)
    words = re.compile(rf"{re.escape(stage.shown_words)}\b")
    if not words.search(shown) and not is_gone(place):
        yield f"wrong: {place} shows {shown[:60]!r}, the newest is {stage.shown_words}: {row}"
    edit, change = place.rows.get(MessageKind.EDIT), place.rows.get(MessageKind.CHANGE)
    if edit is not None and edit.state == RowState.SENT and change is None:
        yield f"lost: {place} was corrected and not told what changed"
    if change is not None and change.state in (RowState.PLANNED, RowState.SENDING, RowState.FAILED):
        yield f"lost: {place} waits for its change reply: {change}"


def is_gone(place: Place) -> bool:
    """Whether the message could not be edited any more, and the reply alone told the change."""
    edit, change = place.rows.get(MessageKind.EDIT), place.rows.get(MessageKind.CHANGE)
    says_gone = edit is not None and (edit.reason or "").startswith("the message is gone")
    return says_gone and change is not None and change.state in (RowState.SENT, RowState.UNKNOWN)


def shown_caption(stage: Stage, place: Place, message_id: int | None) -> str:
    """Return what the message says now; of one without a number, what the newest copy says."""
    captions = [
        message["caption"]
        for chat in place.ids
        for message in stage.fake.from_bot(chat)
        if message_id in (None, message["message_id"]) and VERDICT in message.get("caption", "")
    ]
    return captions[-1] if captions else ""


def seat_breaches(seat: Seat, found: list[Place]) -> Iterator[str]:
    mine = [place for place in found if place.ids == seat.ids and place.thread == seat.thread]
    if len(mine) != 1:
        yield f"wrong: chat {seat.chat} has {len(mine)} subscriptions"
        return
    place = mine[0]
    is_lasting = seat.fate in (HEALTHY, MIGRATES) or not seat.has_met_it
    if is_lasting and place.state != ACTIVE:
        yield f"lost: {place} is {place.state} for no reason of its own: {place.reason}"
    if not is_lasting and place.state == ASLEEP and not place.reason:
        yield f"wrong: {place} sleeps without a reason"


def general_breaches(stage: Stage) -> Iterator[str]:
    """No message for a topic ever falls into General."""
    for seat in stage.seats:
        for sent in stage.fake.accepted(seat.chat) if seat.thread else ():
            if sent["method"] in SENDS and sent["thread_id"] != seat.thread:
                yield f"wrong: a message for {seat.chat}/{seat.thread} went to {sent['thread_id']}"


# --- The bot ------------------------------------------------------------------------------------


def update_breaches(stage: Stage) -> Iterator[str]:
    if waiting := stage.fake.pending_updates():
        yield f"lost: {len(waiting)} updates are not taken"
    with stage.state() as state, state.reading() as session:
        for row in session.query(BotUpdate).filter(BotUpdate.state != "processed"):
            yield f"lost: update {row.update_id} is {row.state}: {row.reason}"
        for row in session.query(BotUpdate).filter(BotUpdate.replies.is_not(None)):
            yield f"lost: update {row.update_id} is still owed {row.replies}"
