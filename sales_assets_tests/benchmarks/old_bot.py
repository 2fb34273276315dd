"""The rival: the old bot's work in our words, `python old_bot.py URL DAY FOLDER`.

It loads the whole events, dictionary and payments through pandas, computes three metrics of a
calendar day by the old bot's definitions (docs/metrics.md, "The old bot") and draws two plots.
"""

import sys
from datetime import date
from pathlib import Path
from typing import NamedTuple

import altair as alt
import pandas as pd
import sqlalchemy as sa

from sales_assets.core.journey import (
    EVENT_TYPES,
    EXPERIMENTS,
    PROCESSES,
    PURCHASE,
    SECOND_LINE_EVENTS,
    Process,
)

EVENTS = "SELECT _user_id AS user_id, event_id, happened_at AS time FROM events"
DICTIONARY = "SELECT id AS event_id, _description AS name FROM events_dict"
PAYMENTS = "SELECT _user_id AS user_id, transaction_created_at AS time FROM payments"
#: What the funnel's bars show, in the order of the journey.
BARS = [name for name in EVENT_TYPES if name not in (*EXPERIMENTS, *SECOND_LINE_EVENTS)]


class Metrics(NamedTuple):
    """Clients left open by process, clients by event, and how many paid for the first time."""

    unclosed: pd.Series
    funnel: pd.Series
    new_paying: int


def main(url: str, day: date, folder: Path) -> None:
    """Compute the day, draw it into `folder` and print the new paying clients."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg2://", 1))
    with engine.connect() as connection:
        events, dictionary, payments = (
            pd.read_sql(sa.text(query), connection) for query in (EVENTS, DICTIONARY, PAYMENTS)
        )
    found = metrics(events, dictionary, payments, day)
    draw(found.unclosed, "Незакрытые процессы", folder / "processes.png")
    draw(found.funnel, "Воронка", folder / "funnel.png")
    print(found.new_paying)  # noqa: T201 - its answer


def metrics(
    events: pd.DataFrame, dictionary: pd.DataFrame, payments: pd.DataFrame, day: date
) -> Metrics:
    """Compute the three metrics of one calendar day of the source.

    The day has neither its first instant nor its last second; whoever joined an experiment at any
    time is left out. Rows without a user or a known event are left out, too.
    """
    named = events.merge(dictionary, on="event_id").dropna(subset=["user_id"])
    experimental = named.loc[named["name"].isin(EXPERIMENTS), "user_id"].unique()
    rows = pd.concat([named[["user_id", "name", "time"]], payments.assign(name=PURCHASE)])
    rows = rows[~rows["user_id"].isin(experimental)].dropna(subset=["user_id"])
    start = pd.Timestamp(day)
    last_second = start + pd.Timedelta(days=1) - pd.Timedelta(seconds=1)
    of_day = rows[(rows["time"] > start) & (rows["time"] < last_second)]
    first_paid = rows[rows["name"] == PURCHASE].groupby("user_id")["time"].min()
    return Metrics(
        unclosed=pd.Series({one.name: _left_open(of_day, one) for one in PROCESSES}),
        funnel=of_day.groupby("name")["user_id"].nunique().reindex(BARS, fill_value=0),
        new_paying=int(((first_paid > start) & (first_paid < last_second)).sum()),
    )


def _left_open(of_day: pd.DataFrame, process: Process) -> int:
    started = of_day.loc[of_day["name"] == process.start, "user_id"].unique()
    ended = of_day.loc[of_day["name"].isin(process.ends), "user_id"]
    return int((~pd.Series(started).isin(ended)).sum())


def draw(values: pd.Series, title: str, path: Path) -> None:
    """Write a plot of bars."""
    table = pd.DataFrame({"what": values.index, "clients": values.to_numpy()})
    bars = alt.Chart(table, title=title).mark_bar()
    bars.encode(x="clients:Q", y=alt.Y("what:N", sort=None)).save(path)


if __name__ == "__main__":
    main(sys.argv[1], date.fromisoformat(sys.argv[2]), Path(sys.argv[3]))
