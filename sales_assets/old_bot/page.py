"""The comparison with the old bot as one HTML page in Russian, to hand to the chief."""

from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sales_assets.core.report.wording import day_range, number, percent, sentence, titled_day
from sales_assets.core.russian import report as ru_report
from sales_assets.core.windows import COHORT
from sales_assets.old_bot import words as ru
from sales_assets.old_bot.rules import Bridge, Comparison, Step

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

_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    trim_blocks=True,
    keep_trailing_newline=True,
    undefined=StrictUndefined,
)


def comparison_page(
    comparison: Comparison, report_zone: ZoneInfo, source_zone: ZoneInfo, notes: Sequence[str]
) -> str:
    """Return the page: a table for each bridge, the two funnels, the notes; the same text always.

    Needs nothing beside itself and follows the reader's light or dark theme.
    """
    zones = {"report": report_zone.key, "source": source_zone.key}
    processes = [(bridge, _PROCESS_STEPS) for bridge in comparison.processes]
    return _PAGES.get_template("page.html").render(
        title=f"{ru.COMPARISON_TITLE}: {titled_day(comparison.day)}",
        bridges=[
            (bridge.name, _bridge_rows(bridge, steps, zones))
            for bridge, steps in [*processes, (comparison.paying, _PAYING_STEPS)]
        ],
        cohort=day_range(*COHORT.days(comparison.day)),
        funnel_title=ru_report.FUNNEL_TITLE,
        funnel=_funnel_rows(comparison.funnel),
        notes=notes,
        words=ru,
    )


def _bridge_rows(
    bridge: Bridge, words: dict[Step, str], zones: dict[str, str]
) -> list[tuple[str, ...]]:
    return [
        (
            words[step].format(**zones),
            number(value),
            "" if step is Step.OLD else f"{'+' if change > 0 else ''}{number(change)}",
        )
        for step, value, change in bridge.rows
    ]


def _funnel_rows(funnel: pd.DataFrame) -> list[tuple[str, ...]]:
    return [
        (
            sentence(ru_report.STEP_LABELS[row["step"]]),
            number(row["old_users"]),
            _NOTHING if pd.isna(row["old_share"]) else percent(row["old_share"]),
            number(row["new_users"]),
            percent(row["new_share"]),
        )
        for row in funnel.to_dict("records")
    ]
