"""The comparison with the old bot as one HTML page in Russian, to hand to the chief."""

from collections.abc import Iterable, Sequence
from datetime import date
from html import escape
from zoneinfo import ZoneInfo

import pandas as pd

from sales_assets.core.report.wording import (
    day_range,
    full_date,
    number,
    percent,
    sentence,
    titled_day,
)
from sales_assets.core.russian import report as ru_report
from sales_assets.core.windows import COHORT
from sales_assets.old_bot import words as ru
from sales_assets.old_bot.rules import Bridge, Comparison, Step

#: The cohort's first and last day of requests, counted back from the report day.
_NOTHING = "\u2014"
_PROCESS_STEPS = {
    Step.OLD: ru.OLD_PROCESS_STEP,
    Step.DAY_BORDERS: ru.DAY_BORDERS_STEP,
    Step.CLOCK: ru.CLOCK_STEP,
    Step.EXPERIMENTS: ru.EXPERIMENTS_STEP,
    Step.PROMISE: ru.PROMISE_STEP,
    Step.NEW: ru.NEW_PROCESS_STEP,
}
_PAYING_STEPS = _PROCESS_STEPS | {Step.OLD: ru.OLD_PAYING_STEP, Step.NEW: ru.NEW_PAYING_STEP}

#: Its own style and no other file: it opens from a messenger on any phone, and prints.
_PAGE = """<!DOCTYPE html>
<html lang="ru">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 17px/1.45 system-ui, sans-serif; max-width: 46rem; margin: 0 auto; padding: 1rem; }}
h1 {{ font-size: 1.5rem; line-height: 1.2; }}
h2 {{ font-size: 1.2rem; margin: 2rem 0 .3rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ padding: .4rem .5rem; border-bottom: 1px solid #8886; text-align: left; }}
th {{ font-size: .85rem; font-weight: 600; vertical-align: bottom; }}
td + td, th + th {{ text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }}
th + th {{ white-space: normal; }}
tr:last-child td {{ font-weight: 600; }}
.funnel tr:last-child td {{ font-weight: inherit; }}
section {{ break-inside: avoid; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def comparison_page(
    comparison: Comparison, report_zone: ZoneInfo, source_zone: ZoneInfo, notes: Sequence[str]
) -> str:
    """Return the page: a table for each bridge, the two funnels, the notes; the same text always.

    Needs nothing beside itself and follows the reader's light or dark theme.
    """
    zones = {"report": report_zone.key, "source": source_zone.key}
    funnel_intro = ru.COMPARISON_FUNNEL_INTRO.format(cohort=_cohort(comparison.day))
    body = (
        _paragraph(ru.COMPARISON_INTRO),
        *(_bridge(bridge, _PROCESS_STEPS, zones) for bridge in comparison.processes),
        _bridge(comparison.paying, _PAYING_STEPS, zones),
        _section(ru_report.FUNNEL_TITLE, _paragraph(funnel_intro), _funnel(comparison.funnel)),
        *map(_paragraph, notes),
    )
    title = escape(f"{ru.COMPARISON_TITLE}: {titled_day(comparison.day)}")
    return _PAGE.format(title=title, body="\n".join(body))


def known_until_note(newest: date) -> str:
    """Say until when joining an experiment is known: what the old bot's hindsight had."""
    return ru.COMPARISON_KNOWN_UNTIL.format(day=full_date(newest))


def unfinished_note(newest: date) -> str:
    """Say that the source's calendar day goes beyond the newest stored day."""
    return ru.COMPARISON_UNFINISHED.format(day=full_date(newest))


def _cohort(day: date) -> str:
    return day_range(*COHORT.days(day))


def _bridge(bridge: Bridge, words: dict[Step, str], zones: dict[str, str]) -> str:
    rows = [
        (words[step].format(**zones), number(value), "" if step is Step.OLD else _signed(change))
        for step, value, change in bridge.rows
    ]
    return _section(bridge.name, _table(ru.COMPARISON_COLUMNS, rows))


def _funnel(funnel: pd.DataFrame) -> str:
    rows = [
        (
            sentence(ru_report.STEP_LABELS[row["step"]]),
            number(row["old_users"]),
            _NOTHING if pd.isna(row["old_share"]) else percent(row["old_share"]),
            number(row["new_users"]),
            percent(row["new_share"]),
        )
        for row in funnel.to_dict("records")
    ]
    return _table(ru.COMPARISON_FUNNEL_COLUMNS, rows, "funnel")


def _signed(change: int) -> str:
    return f"+{number(change)}" if change > 0 else number(change)


def _section(title: str, *parts: str) -> str:
    return "\n".join(("<section>", f"<h2>{escape(title)}</h2>", *parts, "</section>"))


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _table(header: Iterable[str], rows: Iterable[Sequence[str]], kind: str = "bridge") -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return (
        f'<table class="{kind}">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>'
    )
