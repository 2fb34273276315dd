"""What a trial shows: the stored reports of all days, counted against the goals."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sales_assets.core.metrics.values import SERIES
from sales_assets.core.report.receipt import Figure as Number
from sales_assets_tests.trial.log import LogDays

#: The goals of the verdict's definition.
MOST_STORY_DAYS = 12 / 91
MOST_TOLD_TWICE = 0.02
MOST_TYPES_MISSING = 1
MOST_REFUSED_ROWS = 0.05
CUT = ("empty", "ends_early", "hole")
#: News of the same side that lie so far apart at most are one story.
ONE_STORY = timedelta(days=14)

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """A line of the trial's outcome; `is_met` is None for what has no goal."""

    name: str
    value: str
    goal: str = ""
    is_met: bool | None = None


@dataclass(frozen=True)
class Story:
    """A series is told as new on a day, on a side (-1 less, 1 more)."""

    day: date
    series: str
    side: int


def figures(reports: Mapping[date, Report], days: LogDays) -> list[Figure]:
    """Count the content of the days' stored reports against the goals.

    `reports` are the JSON files of `daily_report`; each judged series stands in `numbers` with
    `change`, `is_new` and `day_number`, a day's wholeness in `data`.
    """
    judged = {day: reports[day] for day in sorted(reports) if days.judged_from <= day <= days.last}
    stories = list(_stories(judged))
    return [
        _days_without(reports, days),
        _refused_rows(reports),
        _story_days(stories, judged),
        _told_twice(stories, reports),
        *_false_words(reports),
    ]


def receipts(numbers: Mapping[date, Sequence[Number]]) -> Figure:
    """Count the pictures' numbers, and those of them that their day's receipt does not give."""
    differing = Counter(
        str(day) for day, of_day in numbers.items() for one in of_day if not one.is_equal
    )
    named = f" ({', '.join(differing)})" if differing else ""
    value = f"{differing.total()} of {sum(map(len, numbers.values()))}{named}"
    return Figure("numbers that their receipt contradicts", value, "0", not differing)


def told(reports: Mapping[date, Report], days: LogDays) -> Iterator[str]:
    """Yield a line for each story told as new and each day whose data was doubted."""
    for day in sorted(reports):
        new = [story for story in _stories({day: reports[day]}) if day >= days.judged_from]
        for story in new:
            found = reports[day]["numbers"][story.series]
            yield f"{day} {story.series} {'more' if story.side > 0 else 'less'}: {_values(found)}"
        state = _state(reports[day])
        if state != "complete" and not (state == "unknown" and day < days.judged_from):
            yield f"{day} data: {state} {', '.join(reports[day]['data'].get('missing') or [])}"


def _values(found: Mapping[str, Any]) -> str:
    whole = "" if found.get("of") is None else f" of {found['of']}"
    window = f", by {found['window']} days" if found["window"] > 1 else ""
    return f"{found['value']}{whole}, usual {found['low']} to {found['high']}{window}"


def _days_without(reports: Mapping[date, Report], days: LogDays) -> Figure:
    count = (days.last - days.first).days + 1
    missing = count - len(reports)
    return Figure("days without a report", f"{missing} of {count}", "0", missing == 0)


def _refused_rows(reports: Mapping[date, Report]) -> Figure:
    quality = [report["numbers"]["data_quality"] for report in reports.values()]
    rows = sum(each["rows"] for each in quality)
    by_kind = Counter[str]()
    for each in quality:
        by_kind.update(each["set_aside"])
    refused = by_kind.total()
    kinds = ", ".join(f"{kind} {number}" for kind, number in by_kind.items() if number)
    return Figure(
        "rows refused",
        f"{refused} of {rows}" + (f" ({kinds})" if kinds else ""),
        f"at most {MOST_REFUSED_ROWS:.0%}",
        refused <= MOST_REFUSED_ROWS * rows,
    )


def _story_days(stories: Sequence[Story], judged: Mapping[date, Report]) -> Figure:
    with_story = {story.day for story in stories}
    most = int(MOST_STORY_DAYS * len(judged) + 1e-9)
    by_series = Counter(story.series for story in stories)
    named = ", ".join(f"{name} {number}" for name, number in by_series.most_common())
    return Figure(
        "days with a new story",
        f"{len(with_story)} of {len(judged)}" + (f" ({named})" if named else ""),
        f"at most {most}",
        len(with_story) <= most,
    )


def _told_twice(stories: Sequence[Story], reports: Mapping[date, Report]) -> Figure:
    """Count the stories told as new although they were news a short while before."""
    repeated = [story for story in stories if _was_news(story, reports)]
    return Figure(
        "stories told as new twice",
        f"{len(repeated)} of {len(stories)}",
        f"at most {MOST_TOLD_TWICE:.0%}",
        len(repeated) <= MOST_TOLD_TWICE * len(stories),
    )


def _was_news(story: Story, reports: Mapping[date, Report]) -> bool:
    before = [story.day - timedelta(days=back) for back in range(1, ONE_STORY.days + 1)]
    sides = (_side(reports[day], story.series) for day in before if day in reports)
    return story.side in sides


def _false_words(reports: Mapping[date, Report]) -> Iterator[Figure]:
    """Count what the judge of completeness says of a log that is taken to be whole."""
    states = Counter(map(_state, reports.values()))
    cut = {state: states[state] for state in CUT if states[state]}
    named = ", ".join(f"{state} {number}" for state, number in cut.items()) or "0"
    yield Figure("days called empty, ends_early or hole", named, "0", not cut)
    missing = states["types_missing"]
    yield Figure(
        "days called types_missing",
        str(missing),
        f"at most {MOST_TYPES_MISSING}",
        missing <= MOST_TYPES_MISSING,
    )
    yield Figure("days whose wholeness is unknown", str(states["unknown"]))


def _stories(reports: Mapping[date, Report]) -> Iterator[Story]:
    for day, report in reports.items():
        for name in SERIES:
            found = report["numbers"].get(name)
            if found and found["is_new"]:
                yield Story(day, name, found["change"])


def _side(report: Report, series: str) -> int:
    found = report["numbers"].get(series)
    return found["change"] if found else 0


def _state(report: Report) -> str:
    return report["data"]["state"]
