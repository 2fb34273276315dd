"""What `doctor` says about Telegram: the token, who reads, what is not settled, what to do."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from sales_assets.adapters.settings import Settings
from sales_assets.adapters.state import subscriptions
from sales_assets.adapters.state.bot import BotState
from sales_assets.adapters.state.database import WITNESS, StateDatabase, open_state
from sales_assets.adapters.state.ledger import Ledger
from sales_assets.core.bot.access import Known, Standing
from sales_assets.core.delivery.rows import (
    Delivery,
    MessageKind,
    Outcome,
    Reader,
    RowState,
    is_final_doubt,
)
from sales_assets.core.delivery.timetable import Timetable
from sales_assets.core.errors import SalesAssetsError

if TYPE_CHECKING:
    from sales_assets.adapters.telegram.client import BotApi

#: So many lines of one kind are shown; the rest is counted.
MOST_LINES = 10

_NEXT_STEPS = {
    RowState.PLANNED: "waits for the next delivery run; is report_delivery_sensor on?",
    RowState.SENDING: "is being sent; if its process died, the next run counts it as a doubt",
}
_IN_DOUBT = "may have arrived; repeated once, flagged, by the next run after the time of grace"
_NO_READER = "its chat gets no reports now; sent only if it comes back in time"
_FINAL_DOUBT = "may have arrived; look into the chat, then press the button in the alert or not"


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at; what is not well comes with its remedy."""

    text: str
    is_well: bool = True


def telegram_findings(settings: Settings) -> list[Diagnosis]:
    """Return what there is to say about Telegram.

    Asks Telegram twice and changes nothing. The token is not shown.

    Raises:
        StateError: the state database cannot be used.
    """
    findings, bot_id = asyncio.run(_service_findings(settings))
    with closing(open_state(settings.state_url, witness=settings.var_dir / WITNESS)) as state:
        lost = [Diagnosis(state.lost, is_well=False)] if state.lost else []
        known = [Diagnosis(line) for line in _state_lines(state, bot_id, settings)]
        return [*findings, *lost, *known]


async def _service_findings(settings: Settings) -> tuple[list[Diagnosis], int | None]:
    """Return what Telegram said, and the bot's id if the token is good."""
    if settings.telegram_bot_token is None:
        return [Diagnosis("token: not set, so messages go to var/outbox as files")], None
    # Without a token nothing of Telegram's library is needed: it is an eighth of the doctor's time.
    from sales_assets.bot.program import open_api

    try:
        async with open_api(settings) as api:
            answer = await api.identity()
            if answer.outcome is Outcome.SENT:
                bot_id, name = answer.result["id"], answer.result["username"]
                token = Diagnosis(f"token: belongs to @{name}, at {api.address}")
                return [token, await _webhook(api)], bot_id
            told = (
                f"token: could not be checked at {api.address}: {answer.reason}. Check the "
                "network, SALES_ASSETS_TELEGRAM_BASE_URL and, where Telegram is blocked, "
                "SALES_ASSETS_TELEGRAM_PROXY."
            )
            if answer.outcome is Outcome.STOP:
                told = (
                    f"token: cannot be used at {api.address}: {answer.reason}. Compare "
                    "SALES_ASSETS_TELEGRAM_BOT_TOKEN with what BotFather shows, and check "
                    "SALES_ASSETS_TELEGRAM_BASE_URL."
                )
    except SalesAssetsError as error:
        told = f"token: {error}"
    return [Diagnosis(told, is_well=False)], None


async def _webhook(api: "BotApi") -> Diagnosis:
    from sales_assets.bot.program import result_of

    try:
        url = result_of(await api.webhook())["url"]
    except SalesAssetsError as error:
        return Diagnosis(f"webhook: could not be checked: {error}", is_well=False)
    if not url:
        return Diagnosis("webhook: none, as it should be")
    text = f"webhook: updates go to {url}, so the bot gets none; remove it with deleteWebhook"
    return Diagnosis(text, is_well=False)


def _state_lines(state: StateDatabase, bot_id: int | None, settings: Settings) -> Iterator[str]:
    if not settings.telegram_admins:
        yield (
            "admins: none, so nobody gets alerts or can let readers in; "
            "set SALES_ASSETS_TELEGRAM_ADMINS"
        )
    with state.reading() as session:
        known = subscriptions.all_of(session)
    counts = Counter(one.state for one in known)
    yield (
        f"subscriptions: {counts['active']} active, {counts['asleep']} asleep, "
        f"{counts['pending']} waiting for an admin"
    )
    yield from _shortened([_quiet(one) for one in known if not one.is_active])
    yield from _shortened([f"  chat {one.place}: reads" for one in known if one.is_active])
    ledger = Ledger(state, is_outbox=settings.telegram_bot_token is None)
    unsettled = ledger.unsettled()
    yield f"deliveries not settled: {len(unsettled)}"
    readers = {reader.place: reader for reader in ledger.readers()}
    news = _newest_day(settings)
    yield from _shortened([_unsettled(row, news, readers.get(row.place)) for row in unsettled])
    yield from _given_up(ledger, settings)
    passed_over = BotState(state, bot_id).passed_over() if bot_id is not None else []
    if passed_over:
        yield f"updates passed over after three failures: {len(passed_over)}"
        yield from _shortened([f"  update {number}: {reason}" for number, reason in passed_over])


def _quiet(known: Known) -> str:
    if known.standing is Standing.WAITING:
        return f"  chat {known.place}: waits; an admin decides with the buttons the bot sent him"
    if known.standing is Standing.BARRED:
        way_back = "an invite wakes it, or an admin's /init there"
    else:
        way_back = "/init there wakes it, or an invite"
    return f"  chat {known.place}: asleep ({known.reason}); {way_back}"


def _unsettled(row: Delivery, news: date, reader: Reader | None) -> str:
    is_alert = row.kind is MessageKind.ALERT
    if row.state is RowState.UNKNOWN:
        is_over = row.report_day < news and not is_alert
        is_held = reader is not None and reader.holds_doubts
        is_final = is_over or is_final_doubt(row, holds_doubts=is_held)
        step = _FINAL_DOUBT if is_final else _IN_DOUBT
    elif row.state is RowState.PLANNED and reader is None and not is_alert:
        step = _NO_READER
    else:
        step = _NEXT_STEPS[row.state]
    reason = f" ({row.reason})" if row.reason else ""
    return f"  {row.report_day} {row.kind} to chat {row.place}: {row.state.value}{reason}: {step}"


def _newest_day(settings: Settings) -> date:
    timetable = Timetable(settings.report_zone, settings.delivery_time)
    return timetable.newest_finished_day(datetime.now(UTC))


def _given_up(ledger: Ledger, settings: Settings) -> Iterator[str]:
    """Tell whose alerts are given up today: nobody else would notice."""
    day = _newest_day(settings)
    for chat, reason in {row.chat: row.reason for row in ledger.given_up(day)}.items():
        yield (
            f"admin {chat}: cannot be reached ({reason}), so he gets no more alerts about {day}; "
            "he has to open the chat with the bot, or leave SALES_ASSETS_TELEGRAM_ADMINS"
        )


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:MOST_LINES], f"  … and {len(lines) - MOST_LINES} more"]
