"""What happened on the day: distinct users per event, and the bridge to the CRM."""

from dataclasses import dataclass

import pandas as pd

from sales_assets.core.journey import EVENT_TYPES


@dataclass(frozen=True)
class Population:
    """Clients active on the day, and those of them in experiments as of its cut-off."""

    active: int
    in_experiments: int

    @property
    def left(self) -> int:
        """The clients that the metrics count."""
        return self.active - self.in_experiments


def daily_activity(clean: pd.DataFrame) -> pd.DataFrame:
    """Count one day's clean events by type: what the old bot's bars summed to.

    Every type of `EVENT_TYPES` has its row in that order, with zeros where nothing happened; the
    other types of the day follow in alphabetical order.
    """
    by_type = clean["user_id"].groupby(clean["event_type"], observed=True)
    counts = pd.DataFrame({"users": by_type.nunique(), "events": by_type.size()})
    counts.index = counts.index.astype("str")
    others = sorted(set(counts.index) - set(EVENT_TYPES))
    types = pd.Index([*EVENT_TYPES, *others], dtype="str", name="event_type")
    return counts.reindex(types, fill_value=0).astype("int64").reset_index()


def population(history: pd.DataFrame) -> Population:
    """Count the day's active clients, and those of them in experiments as of its cut-off.

    `history` is the day's `user_history`: a row for each client with a valid event on the day.
    """
    clients = history.groupby("user_id")["first_experiment_at"].min()
    return Population(active=len(clients), in_experiments=int(clients.notna().sum()))


def active_clients(valid: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """List the day's active clients: those that `population` counts.

    `user_id`, `first_at`, `events` (of the day's `valid` rows), `first_experiment_at` as the
    day's `history` has it, and 1 or 0: `active`, `in_experiments`, `left`.
    """
    of_day = valid.groupby("user_id")["event_time"].agg(first_at="min", events="size")
    joined = history.groupby("user_id")["first_experiment_at"].min()
    found = of_day.reindex(joined.index).assign(first_experiment_at=joined)
    is_in = found["first_experiment_at"].notna()
    flags = {"active": 1, "in_experiments": is_in.astype(int), "left": (~is_in).astype(int)}
    return found.assign(**flags).reset_index()
