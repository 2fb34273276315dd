"""What the demo's rows come to: the daily values of the product, and how they stray."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from sales_assets.core import journey
from sales_assets.core.days import ReportDays
from sales_assets.core.metrics.event_log import EventLog, encode
from sales_assets.core.metrics.values import daily_values
from sales_assets.core.report.workdays import holidays_among
from sales_assets.demo import journeys
from sales_assets.demo.department import COUNTRY
from sales_assets.demo.journeys import DemoPlan

MOSCOW = ZoneInfo("Europe/Moscow")
NAMES = {number: name for name, number in journeys.DICTIONARY.items()}
NAMES[journeys.PURCHASE_ID] = journey.PURCHASE


def is_holiday(day: date) -> bool:
    return bool(holidays_among([day], COUNTRY))


def rows_of(plan: DemoPlan) -> pd.DataFrame:
    return pd.concat(journeys.demo_rows(plan), ignore_index=True)


def days_of(plan: DemoPlan) -> ReportDays:
    count = (plan.today - plan.first_day).days
    return ReportDays.of([plan.first_day + timedelta(days=n) for n in range(count)], MOSCOW)


def event_log(rows: pd.DataFrame) -> EventLog:
    """Encode the good rows, with what they say of each client."""
    events = rows.dropna().assign(event_type=lambda frame: frame["event_id"].map(NAMES))
    events = events.dropna().rename(columns={"happened_at": "event_time"})
    events = events[["user_id", "event_time", "event_type"]].astype({"event_type": "str"})
    return encode([events], [_history(events)], MOSCOW)


def _history(events: pd.DataFrame) -> pd.DataFrame:
    is_experiment = events["event_type"].isin(journey.EXPERIMENTS)
    is_payment = events["event_type"] == journey.PURCHASE
    first = {
        "first_event_at": events,
        "first_experiment_at": events[is_experiment],
        "first_payment_at": events[is_payment],
    }
    columns = {name: of.groupby("user_id")["event_time"].min() for name, of in first.items()}
    return pd.DataFrame(columns).rename_axis("user_id").reset_index()


def values_by_day(log: EventLog, days: ReportDays) -> pd.DataFrame:
    """Return `daily_values` of all days: `day`, `series`, `value`, `of`."""
    frames = daily_values(log, days)
    return pd.concat([frames[day].assign(day=day) for day in days.days], ignore_index=True)


@dataclass(frozen=True)
class Straying:
    """How a series strays from its weekdays and its trend.

    `dispersion` is the variance against chance, `memory` the correlation of neighbouring days,
    `growth` the yearly factor, `weekdays` each weekday against the mean one, Monday first.
    """

    dispersion: float
    memory: float
    growth: float
    weekdays: np.ndarray


def straying(days: Sequence[date], values: np.ndarray) -> Straying:
    """Fit weekdays and an exponential trend to daily counts by iterated least squares."""
    place = np.array([day.toordinal() for day in days])
    weekday = np.array([day.weekday() for day in days])
    years = (place - place.mean()) / 365
    model = np.column_stack([*(weekday == each for each in range(7)), years]).astype(float)
    fitted = np.log(np.append(np.full(7, values.mean()), 1.0))
    for _ in range(20):
        mean = np.exp(model @ fitted)
        information = model.T @ (model * mean[:, None])
        fitted = fitted + np.linalg.solve(information, model.T @ (values - mean))
    mean = np.exp(model @ fitted)
    rest = (values - mean) / np.sqrt(mean)
    neighbours = np.diff(place) == 1
    return Straying(
        dispersion=float((rest**2).sum() / (len(rest) - len(fitted))),
        memory=float((rest[1:] * rest[:-1])[neighbours].mean() / (rest**2).mean()),
        growth=float(np.exp(fitted[7])),
        weekdays=np.exp(fitted[:7]) / np.exp(fitted[:7]).mean(),
    )
