"""Whether a day of the source is whole: what is known of it, and what becomes of one that isn't."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

import pandas as pd
from pydantic import TypeAdapter

from sales_assets.core.frames import HOURLY_COUNTS
from sales_assets.core.judgement import Completeness, completeness
from sales_assets.core.judgement.day_completeness import State
from sales_assets.core.metrics.schemas import CheckOutcome
from sales_assets.core.windows import AFTER_DAYS, COMPLETENESS_DAYS, DAY, days_up_to

CHECK = "completeness"
_ANSWERS = TypeAdapter(Completeness)
#: A day of such a state has no report before its last call.
CUT = (State.EMPTY, State.ENDS_EARLY, State.HOLE)
#: No holidays last as long: a source that was silent on so many days before is away, not quiet.
SILENT_DAYS = 14


@dataclass(frozen=True)
class Evidence:
    """What bounds the silences of a day, naive times of the report zone.

    `last_at` is each type's last row of the day, `first_after` its first row in the week after,
    `resumes_at` the first of any type; `as_of` is the moment of reading, a week after the day at
    most.
    """

    last_at: Mapping[str, datetime]
    first_after: Mapping[str, datetime]
    resumes_at: datetime | None
    as_of: datetime


def hourly_counts(hours: pd.Series, types: pd.Series, rows: pd.Series) -> pd.DataFrame:
    """Sum rows by hour and type, in the order of both, rows of no type last."""
    groups = pd.DataFrame({"hour": hours, "type": types.astype("str"), "rows": rows})
    summed = groups.groupby(["hour", "type"], dropna=False, as_index=False)["rows"].sum()
    return pd.DataFrame(summed, columns=HOURLY_COUNTS.names).astype(HOURLY_COUNTS.dtypes)


def judge_day(
    before: pd.DataFrame,
    day: date,
    evidence: Evidence,
    holidays: Collection[date] = (),
    counted: Collection[date] = (),
) -> Completeness:
    """Judge a day by the counts of the eight weeks that end with it and by its evidence.

    Where neither the day nor the two weeks before, if they are `counted`, have a row, the day is
    empty, however little history there is. A day isn't called cut for the rest of its last
    hour alone: what a source books by the clock, at 20:00 sharp, leaves that rest empty every day.
    """
    hours = pd.to_datetime(list(evidence.first_after.values())).floor("h")
    after = pd.DataFrame({"hour": hours, "type": list(evidence.first_after), "rows": 1})
    counts = pd.concat([before, after.astype(HOURLY_COUNTS.dtypes)], ignore_index=True)
    bounds = evidence.resumes_at, evidence.as_of, holidays
    answer = completeness(counts, day, evidence.last_at, *bounds)
    if answer.state in CUT:
        by_the_hour = completeness(counts, day, None, *bounds)
        if by_the_hour.state not in CUT:
            answer = replace(by_the_hour, ends_at=answer.ends_at)
    weeks = days_up_to(day - DAY, SILENT_DAYS)
    if set(weeks).issubset(counted) and not (before["hour"] >= pd.Timestamp(weeks[0])).any():
        answer = replace(answer, state=State.EMPTY)
    # As it is stored, so that the first answer equals all later ones.
    rounded = None if answer.surprise is None else round(answer.surprise, 2)
    return replace(answer, surprise=rounded)


def surrounding_days(day: date) -> list[date]:
    """Return the days whose holidays a judgement of `day` has to know, in order."""
    after = AFTER_DAYS + 1
    return days_up_to(day + after * DAY, COMPLETENESS_DAYS + 1 + after)


def last_call(day: date, at: time) -> datetime:
    """Return when a cut day is reported as it is: that time of the next day, naive."""
    return datetime.combine(day + DAY, at)


def check_whole(answer: Completeness, day: date, call: time, *, may_be_cut: bool) -> CheckOutcome:
    """Check that a day is whole; one that `may_be_cut` is taken, with a warning."""
    is_cut = answer.state in CUT
    told = in_words(answer, day)
    facts = as_json(answer) | {"missing": ", ".join(answer.missing)}
    if is_cut and may_be_cut:
        told = f"{told}. It is taken as it is, and its report says so"
    elif is_cut:
        told = (
            f"{told}. It is asked for again until {last_call(day, call):%Y-%m-%d %H:%M} and then "
            f"taken as it is; at once: sales-assets report {day} --as-it-is"
        )
    return CheckOutcome(
        CHECK,
        passed=not is_cut,
        message=told,
        facts={name: "" if value is None else value for name, value in facts.items()},
        is_warning=may_be_cut,
    )


def as_json(answer: Completeness) -> dict[str, Any]:
    """Return an answer as plain values, for a check and the report's `data`."""
    return _ANSWERS.dump_python(answer, mode="json")


def in_words(answer: Completeness, day: date) -> str:
    """Say an answer in a sentence for the analyst."""
    surprise = f"surprise {answer.surprise:.1f}" if answer.surprise is not None else ""
    if answer.state == State.EMPTY:
        why = surprise or f"nor of the {SILENT_DAYS} days before"
        return f"the source has no row of {day} ({why})"
    if answer.state == State.ENDS_EARLY:
        return f"the rows of {day} end at {answer.ends_at:%H:%M} ({surprise}), none came after"
    if answer.state == State.HOLE:
        return (
            f"the source has no row from {answer.ends_at:%Y-%m-%d %H:%M} to "
            f"{answer.resumes_at:%Y-%m-%d %H:%M} ({surprise})"
        )
    if answer.state == State.TYPES_MISSING:
        return f"no rows of {', '.join(answer.missing)} where there should be"
    if answer.state == State.UNKNOWN:
        return f"too little is known to tell whether {day} is whole"
    until = answer.certain_until
    noticed = f"an end after {until:%Y-%m-%d %H:%M} would not be noticed" if until else ""
    return f"{day} is whole; {noticed or 'no end is noticeable'}"
