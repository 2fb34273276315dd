"""Where one client stands, in words: what `/client` answers from the stored frames."""

import html
from datetime import date, datetime

import pandas as pd

from sales_assets.core.report.wording import full_date, number
from sales_assets.core.russian import bot as ru

#: So many of the client's last events are told.
MOST_EVENTS = 10
_LONGEST_ECHO = 40


def client_text(
    client: str, day: date, history: pd.DataFrame, events: pd.DataFrame, stuck: pd.DataFrame
) -> str:
    """Tell a client's firsts, open cases and last events, as HTML.

    `history` (a row of `user_history`, or none), `events` (of `clean_events`, in order) and
    `stuck` (of `stuck_cases`) hold that client alone, up to the end of `day`.
    """
    shown = html.escape(client[:_LONGEST_ECHO])
    if history.empty and events.empty and stuck.empty:
        return ru.BOT_NO_CLIENT.format(client=shown, day=full_date(day))
    lines = [ru.BOT_CLIENT.format(client=shown, day=full_date(day)), *_firsts(history)]
    for case in stuck.to_dict("records"):
        opened, hours = _at(case["opened_at"]), number(round(case["age_hours"]))
        lines.append(ru.BOT_CLIENT_STUCK.format(process=case["process"], at=opened, hours=hours))
    if len(events):
        told = events.tail(MOST_EVENTS).to_dict("records")
        lines += [ru.BOT_CLIENT_EVENTS, *map(_event, told)]
    return "\n".join([lines[0], *map(html.escape, lines[1:])])


def _firsts(history: pd.DataFrame) -> list[str]:
    if history.empty:
        return []
    row = history.iloc[-1]
    said = [
        (ru.BOT_CLIENT_FIRST, row["first_event_at"]),
        (ru.BOT_CLIENT_EXPERIMENT, row["first_experiment_at"]),
        (ru.BOT_CLIENT_PAID, row["first_payment_at"]),
    ]
    lines = [words.format(at=_at(moment)) for words, moment in said if pd.notna(moment)]
    return lines if pd.notna(row["first_payment_at"]) else [*lines, ru.BOT_CLIENT_NEVER_PAID]


def _event(event: dict) -> str:
    return ru.BOT_CLIENT_EVENT.format(at=_at(event["event_time"]), event=event["event_type"])


def _at(moment: datetime) -> str:
    return f"{moment:%d.%m.%Y %H:%M}"
