"""Clients in words: where one stands, and whose deadlines are the next."""

import html
from collections.abc import Iterator, Sequence
from datetime import date, datetime

import numpy as np
import pandas as pd

from sales_assets.core.journey import EVENT_TYPES
from sales_assets.core.metrics.event_log import wall_clocks
from sales_assets.core.report.inputs import DayEvents
from sales_assets.core.report.receipt import told_of
from sales_assets.core.report.sheet import Sheet, client_link
from sales_assets.core.report.wording import day_and_month, full_date, number
from sales_assets.core.russian import bot as ru
from sales_assets.core.windows import DAY

#: How many of the client's last events and cases one message holds.
MOST_EVENTS, MOST_CASES = 10, 8
#: How many expiring cases are named; the spreadsheet has them all.
MOST_EXPIRING = 10
#: How much of a client's id, and of an address in the CRM, a line of a message takes.
_LONGEST_ID, _LONGEST_LINK = 40, 300


def client_text(client: str, events: DayEvents, sheets: Sequence[Sheet]) -> str:
    """Tell a client's firsts, cases, numbers of the report that count them, last events, as HTML.

    By the `events` up to the end of a day; `sheets` are the receipt of its report, if there is one.
    """
    shown, day = html.escape(client[:_LONGEST_ID]), full_date(events.day)
    position = events.log.users.get_indexer(pd.Index([client]))[0]
    if position < 0:
        return ru.BOT_NO_CLIENT.format(client=shown, day=day)
    head = ru.BOT_CLIENT.format(client=shown, day=day)
    told = [*_firsts(events, position), *_cases(client, events)]
    held = told_of(client, sheets)
    told += [ru.BOT_CLIENT_HELD.format(day=day), *held] if held else [ru.BOT_CLIENT_NOT_HELD]
    return "\n".join([head, *map(html.escape, [*told, *_journey(events, position)])])


def _firsts(events: DayEvents, position: int) -> Iterator[str]:
    log = events.log
    facts = (log.first_event, log.first_experiment, log.first_payment)
    firsts = wall_clocks(np.array([fact[position] for fact in facts]), events.days.zone)
    said = (ru.BOT_CLIENT_FIRST, ru.BOT_CLIENT_EXPERIMENT, ru.BOT_CLIENT_PAID)
    for words, moment in zip(said, firsts, strict=True):
        if pd.notna(moment):
            yield words.format(at=_at(moment))
    if pd.isna(firsts.iloc[-1]):
        yield ru.BOT_CLIENT_NEVER_PAID


def _cases(client: str, events: DayEvents) -> Iterator[str]:
    cases = events.cases[events.cases["user_id"] == client].sort_values("opened_at")
    for case in cases.tail(MOST_CASES).to_dict("records"):
        words = {"process": case["process"], "at": _at(case["opened_at"])}
        if case["in_progress"]:
            yield ru.BOT_CLIENT_EXPIRES.format(**words, deadline=_at(case["deadline"]))
        elif case["overdue"]:
            end = pd.Timestamp(events.day + DAY)
            yield ru.BOT_CLIENT_STUCK.format(**words, time=_span(end - case["opened_at"]))
        else:
            time = _span(case["closed_at"] - case["opened_at"])
            yield ru.BOT_CLIENT_CLOSED.format(**words, time=time, event=case["closed_by"])


def _journey(events: DayEvents, position: int) -> Iterator[str]:
    log = events.log
    rows = np.flatnonzero(log.user == position)[-MOST_EVENTS:]
    if len(rows):
        yield ru.BOT_CLIENT_EVENTS
    moments = wall_clocks(log.at_us[rows], events.days.zone)
    for at, kind in zip(moments, log.type[rows], strict=True):
        yield f"{_at(at)} — {EVENT_TYPES[kind]}"


def _span(span: pd.Timedelta) -> str:
    """Say how long it took: in minutes up to an hour."""
    hours = span / pd.Timedelta(hours=1)
    if hours < 1:
        return ru.BOT_MINUTES.format(minutes=number(round(60 * hours)))
    return ru.BOT_HOURS.format(hours=number(round(hours, 1)))


def _at(moment: datetime) -> str:
    return f"{moment:%d.%m.%Y %H:%M}"


def next_expiring(cases: pd.DataFrame, day: date, now: datetime, crm: str | None) -> str:
    """Name the next ten `expiring_cases` of `day` by deadline, from `now` on, as HTML.

    `now` is the wall clock of the report zone; `crm` is the address template of the CRM.
    """
    words = {"day": day_and_month(day), "today": day_and_month(day + DAY)}
    if cases.empty:
        return ru.BOT_NOTHING_EXPIRES.format(**words)
    left = cases[cases["deadline"] >= now]
    counts = {"count": number(len(left)), "total": number(len(cases))}
    if left.empty:
        return ru.BOT_ALL_EXPIRED.format(**words, **counts)
    lines = []
    for case in left.head(MOST_EXPIRING).to_dict("records"):
        client = str(case["user_id"])
        named = html.escape(client[:_LONGEST_ID])
        if link := client_link(crm, client, _LONGEST_LINK):
            named = f'<a href="{html.escape(link)}">{named}</a>'
        deadline, process = f"{case['deadline']:%H:%M}", html.escape(str(case["process"]))
        lines.append(ru.BOT_EXPIRING_CASE.format(time=deadline, client=named, process=process))
    form = ru.BOT_EXPIRING if len(left) <= MOST_EXPIRING else ru.BOT_EXPIRING_NEXT
    head = form.format(**words, **counts, named=MOST_EXPIRING, time=f"{now:%H:%M}")
    return "\n".join([head, *lines, ru.BOT_EXPIRING_AS_OF.format(**words)])
