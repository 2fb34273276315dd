"""What can still be saved right now: the next deadlines, in words."""

import html
from datetime import date, datetime

import pandas as pd

from sales_assets.core.report.sheet import client_link
from sales_assets.core.report.wording import day_and_month, number
from sales_assets.core.russian import bot as ru
from sales_assets.core.windows import DAY

#: How many cases are named; the spreadsheet has them all.
MOST_CASES = 10
#: How much of a client's id, and of an address in the CRM, a line of a message takes.
_LONGEST_ID, _LONGEST_LINK = 40, 300


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
    lines = [_line(case, crm) for case in left.head(MOST_CASES).to_dict("records")]
    form = ru.BOT_EXPIRING if len(left) <= MOST_CASES else ru.BOT_EXPIRING_NEXT
    head = form.format(**words, **counts, named=MOST_CASES, time=f"{now:%H:%M}")
    return "\n".join([head, *lines, ru.BOT_EXPIRING_AS_OF.format(**words)])


def _line(case: dict, crm: str | None) -> str:
    client = str(case["user_id"])
    shown = html.escape(client[:_LONGEST_ID])
    link = client_link(crm, client, _LONGEST_LINK)
    named = f'<a href="{html.escape(link)}">{shown}</a>' if link else shown
    deadline, process = f"{case['deadline']:%H:%M}", html.escape(str(case["process"]))
    return ru.BOT_EXPIRING_CASE.format(time=deadline, client=named, process=process)
