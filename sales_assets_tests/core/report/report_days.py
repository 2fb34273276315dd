"""Invented days for the report's tests: an ordinary one, and changes to it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from sales_assets.core import journey, names
from sales_assets.core.frames import EXPIRING_CASES
from sales_assets.core.journey import FIRST_LINE_PATH, MAIN_PATH, PATHS, PROCESSES
from sales_assets.core.judgement.day_completeness import Completeness, State
from sales_assets.core.metrics.values import APPOINTED, NEW_PAYING, PAID, REQUESTS
from sales_assets.core.report.inputs import DataQuality, ReportDay, ReportInputs
from sales_assets.core.report.workdays import holidays_among
from sales_assets.core.windows import VALUE_DAYS, days_up_to

MOSCOW = ZoneInfo("Europe/Moscow")
SATURDAY = date(2022, 2, 12)
MONDAY = date(2022, 2, 14)
LONG_AGO = date(2021, 6, 1)
PROCESS_NAMES = tuple(process.name for process in PROCESSES)
OPEN_REQUESTS, FIRST_LINE, SECOND_LINE, LESSON_PAYMENT = (process.key for process in PROCESSES)

#: A series' value, and for a share what it is a part of.
Value = tuple[int, int | None]
Users = tuple[int, ...]  # the seven stages of one group

FRAMES = {
    "unclosed": names.UNCLOSED_PROCESSES,
    "funnel": names.CONVERSION_FUNNEL,
    "paying": names.NEW_PAYING_USERS,
    "clients": names.USER_HISTORY,
    "expiring": names.EXPIRING_CASES,
}
#: What an ordinary Wednesday brings to a department of some size.
LEVELS: dict[str, Value] = {
    NEW_PAYING: (15, None),
    REQUESTS: (64, None),
    OPEN_REQUESTS: (11, 64),
    FIRST_LINE: (13, 51),
    SECOND_LINE: (4, 11),
    LESSON_PAYMENT: (3, 14),
    APPOINTED: (28, 64),
    PAID: (4, 28),
}
#: Monday first, as parts of a Wednesday.
WEEK = (1.1, 1.05, 1.0, 1.0, 1.0, 0.9, 0.9)
#: Steps from day to day; their turn of five days follows no week.
BREATH = (0, 1, -1, 1, -1)


def values(
    day: date,
    usual: Mapping[str, Value] = LEVELS,
    today: Mapping[str, Value] | None = None,
    days: int = VALUE_DAYS + 1,
) -> pd.DataFrame:
    """The daily values up to `day`: a week like any other, a small breath, and the day itself."""
    rows = [
        (each, series, *(_breathing(each, level, whole)))
        for each in days_up_to(day, days)
        for series, (level, whole) in usual.items()
    ]
    frame = pd.DataFrame(rows, columns=["day", "series", "value", "of"]).astype({"of": "Int64"})
    return with_values(frame, day, {name: [value] for name, value in (today or {}).items()})


def _breathing(day: date, level: int, whole: int | None) -> Value:
    part = WEEK[day.weekday()]
    step = BREATH[day.toordinal() % len(BREATH)] * round(level**0.5 / 3)
    if whole is None:
        return max(round(level * part) + step, 0), None
    of = round(whole * part)
    return min(max(round(of * level / max(whole, 1)) + step, 0), of), of


def with_values(
    frame: pd.DataFrame, day: date, lately: Mapping[str, Sequence[Value]]
) -> pd.DataFrame:
    """Other values on the days that end with `day`, the last one its own."""
    changed_frame = frame.copy()
    for series, last_values in lately.items():
        for each, (value, of) in zip(days_up_to(day, len(last_values)), last_values, strict=True):
            row = (frame["day"] == each) & (frame["series"] == series)
            changed_frame.loc[row, "value"] = value
            changed_frame.loc[row, "of"] = pd.NA if of is None else of
    return changed_frame


def changed(inputs: ReportInputs, **changes: Any) -> ReportInputs:
    """Other frames, values or facts of the day in place of these; None takes a frame away."""
    frames = {FRAMES[k]: changes.pop(k) for k in list(changes) if k in FRAMES}
    return ReportInputs(
        daily_values=changes.pop("values", inputs.daily_values),
        usual_steps=changes.pop("usual_steps", inputs.usual_steps),
        expired=changes.pop("expired", inputs.expired),
        quality=changes.pop("quality", inputs.quality),
        about=replace(inputs.about, **changes),
        frames={k: v for k, v in {**inputs.frames, **frames}.items() if v is not None},
    )


def lately(inputs: ReportInputs, **last_values: Sequence[Value]) -> ReportInputs:
    """Other values of some series on the last days, in the metrics' own frames, too."""
    told = with_values(inputs.daily_values, inputs.about.day, last_values)
    return of_values(inputs, told)


def of_values(inputs: ReportInputs, told: pd.DataFrame) -> ReportInputs:
    """The day with these daily values, and with frames that say the same."""
    by_day = told[told["series"] == NEW_PAYING].set_index("day")["value"]
    day = inputs.about.day
    week_ago = by_day.get(day - timedelta(days=7))
    week = by_day.reindex(days_up_to(day - timedelta(days=1), 7))
    mean = None if week.isna().any() else float(week.mean())
    today = told[told["day"] == day].set_index("series")
    rows = {
        process.name: (int(today["value"][process.key]), int(today["of"][process.key]))
        for process in PROCESSES
    }
    return changed(
        inputs,
        values=told,
        unclosed=unclosed(rows),
        expiring=expiring(rows, day),
        expired=expired(rows),
        paying=paying(int(today["value"][NEW_PAYING]), last_week=week_ago, mean=mean),
    )


def clients(active: int, in_experiments: int) -> pd.DataFrame:
    """The day's user history: so many clients, so many of them in experiments."""
    joined = [pd.Timestamp("2021-12-01")] * in_experiments
    return pd.DataFrame(
        {
            "user_id": pd.array([f"u{n}" for n in range(active)], dtype="str"),
            "first_experiment_at": pd.Series(joined, dtype="datetime64[us]").reindex(range(active)),
        }
    )


def unclosed(rows: Mapping[str, tuple[int, int]]) -> pd.DataFrame:
    """`rows`: process -> (breached, due)."""
    return pd.DataFrame(
        [
            {
                "process": name,
                "due": due,
                "breached": breached,
                "opened": due,
                "closed": max(due - breached, 0),
                "in_progress": due // 2,
                "overdue_1_3d": breached // 2,
                "overdue_3_7d": breached // 3,
                "overdue_7_30d": breached // 5,
                "usual_breached": None,
                "same_day_users": breached // 4,
            }
            for name, (breached, due) in rows.items()
        ]
    )


def expiring(rows: Mapping[str, tuple[int, int]], day: date) -> pd.DataFrame:
    """As many cases as are in progress; their deadlines lie evenly over the next day."""
    cases = [
        (name, f"u{number}", midnight_after(day) + number * timedelta(days=1) / (due // 2))
        for name, (_, due) in rows.items()
        for number in range(due // 2)
    ]
    frame = pd.DataFrame(cases, columns=["process", "user_id", "deadline"])
    frame = frame.astype({"process": "str", "user_id": "str", "deadline": "datetime64[us]"})
    opened = frame["deadline"] - timedelta(days=1)
    return frame.assign(opened_at=opened)[EXPIRING_CASES.names].sort_values("deadline")


def midnight_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time())


def expired(rows: Mapping[str, tuple[int, int]]) -> pd.DataFrame:
    """Half of the cases that were met were so after midnight."""
    met = {name: (due - breached) // 2 for name, (breached, due) in rows.items()}
    told = [(name, rows[name][0] + met[name], met[name]) for name in rows]
    return pd.DataFrame(told, columns=["process", "waiting", "met"])


def funnel(groups: dict[str, Users]) -> pd.DataFrame:
    total = tuple(map(sum, zip(*groups.values(), strict=True))) if groups else (0,) * 7
    rows = [
        {
            "group": name,
            "path": path,
            "step": step,
            "users": count,
            "share": count / users[0] if users[0] else 0.0,
        }
        for name, users in {"all": total, **groups}.items()
        for path, step, count in _steps(users)
    ]
    return pd.DataFrame(rows)


def _steps(users: tuple[int, ...]) -> list[tuple[str, str, int]]:
    entry, task, answered, *main = users
    first_line = zip(PATHS[FIRST_LINE_PATH], (entry, task, answered), strict=True)
    journey = zip(PATHS[MAIN_PATH], (entry, *main), strict=True)
    return [
        *((MAIN_PATH, step, count) for step, count in journey),
        *((FIRST_LINE_PATH, step, count) for step, count in first_line),
    ]


def usual_steps(shares: tuple[float, ...] = (0.44, 0.3, 0.22, 0.066)) -> pd.DataFrame:
    """Shares of the main path's steps after the entry, as the weeks before had them."""
    rows = [
        (MAIN_PATH, step, round(1800 * share), share)
        for step, share in zip(PATHS[MAIN_PATH], (1.0, *shares), strict=True)
    ]
    return pd.DataFrame(rows, columns=["path", "step", "users", "share"])


def paying(
    new: int, experiment: int = 2, last_week: float | None = 17, mean: float | None = 15.2
) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "new_paying": new,
                "new_paying_experiment": experiment,
                "paying": new + 6,
                "payments": new + 7,
                "same_weekday_last_week": last_week,
                "mean_7d": mean,
            }
        ]
    )


THREE_GROUPS: dict[str, Users] = {
    journey.GROUP_REACHED: (212, 190, 121, 66, 41, 30, 11),
    journey.GROUP_BOOKED_THEMSELVES: (148, 12, 8, 131, 96, 70, 19),
    journey.GROUP_NO_REACTION: (96, 90, 0, 0, 0, 0, 0),
}

QUALITY = DataQuality(rows=2345, set_aside={})


def ordinary(
    day: date = SATURDAY,
    usual: Mapping[str, Value] = LEVELS,
    days: int = VALUE_DAYS + 1,
    history_first_day: date = LONG_AGO,
) -> ReportInputs:
    told = values(day, usual, days=days)
    late = datetime.combine(day, time(23))
    about = ReportDay(
        day=day,
        zone=MOSCOW,
        history_first_day=history_first_day,
        holidays=holidays_among(days_up_to(day, VALUE_DAYS + 8), "RU"),
        completeness=Completeness(State.COMPLETE, certain_until=late),
    )
    return of_values(
        changed(
            ReportInputs(about, {}, told, usual_steps(), quality=QUALITY),
            funnel=funnel(THREE_GROUPS),
            clients=clients(518, 62),
        ),
        told,
    )


def alarming(day: date = SATURDAY) -> ReportInputs:
    """The first day on which many requests are not handled in time."""
    return lately(ordinary(day), open_requests=[(23, 58)])


def continuing() -> ReportInputs:
    """The fourth day of a story of the first line."""
    return lately(ordinary(), first_line=[(31, 51), (15, 51), (12, 46), (31, 46)])


def back() -> ReportInputs:
    """The first line's story ended two days ago: it is said once."""
    return lately(ordinary(), first_line=[(31, 51), (13, 51), (12, 46), (12, 46)])


def week() -> ReportInputs:
    """No day stands out by itself, the seven days together do."""
    return lately(
        ordinary(), second_line=[(6, 11), (7, 12), (7, 12), (6, 11), (7, 11), (7, 11), (6, 10)]
    )


def flow() -> ReportInputs:
    """Twice the requests, handled as always: calm, and said."""
    return lately(ordinary(), requests=[(118, None)], open_requests=[(20, 116)])


def handling() -> ReportInputs:
    """The contract's own example: more fell due, and a larger share was broken."""
    usual = {**LEVELS, OPEN_REQUESTS: (23, 107), REQUESTS: (107, None)}
    return lately(ordinary(date(2022, 2, 16), usual), open_requests=[(57, 162)])


def fallen_funnel() -> ReportInputs:
    """Of the clients who entered a week ago, few were appointed."""
    few = {
        name: (u[0], u[1], u[2], u[3] // 2, u[4] // 2, u[5] // 2, u[6] // 2)
        for name, u in THREE_GROUPS.items()
    }
    return changed(lately(ordinary(), appointed=[(11, 58)], paid=[(2, 11)]), funnel=funnel(few))


def catastrophe() -> ReportInputs:
    """Everything at once."""
    of_all = lately(
        ordinary(),
        open_requests=[(131, 140)],
        first_line=[(54, 60)],
        second_line=[(38, 41)],
        lesson_payment=[(17, 17)],
        new_paying=[(0, None)],
        requests=[(21, None)],
        appointed=[(3, 58)],
        paid=[(0, 3)],
    )
    groups = {name: (u[0], u[1], u[2], u[3] // 3, 9, 4, 0) for name, u in THREE_GROUPS.items()}
    return changed(of_all, funnel=funnel(groups))


def record() -> ReportInputs:
    return lately(ordinary(date(2022, 3, 31)), new_paying=[(41, None)])


NOTHING: dict[str, Value] = {
    NEW_PAYING: (0, None),
    REQUESTS: (0, None),
    OPEN_REQUESTS: (0, 0),
    FIRST_LINE: (0, 0),
    SECOND_LINE: (0, 0),
    LESSON_PAYMENT: (0, 0),
    APPOINTED: (0, 0),
    PAID: (0, 0),
}


def quiet() -> ReportInputs:
    day = date(2021, 8, 1)
    return changed(
        ordinary(day, NOTHING, history_first_day=date(2021, 1, 1)),
        funnel=funnel({}),
        clients=clients(0, 0),
        quality=DataQuality(0, {}),
    )


def first_day() -> ReportInputs:
    day = date(2022, 2, 1)
    without_due = {name: (0, 0) for name in (*LEVELS,) if name not in {NEW_PAYING, REQUESTS}}
    levels = {**LEVELS, **without_due}
    return changed(
        ordinary(day, levels, days=1, history_first_day=day),
        funnel=funnel({}),
        completeness=Completeness(State.UNKNOWN),
    )


def young() -> ReportInputs:
    """The tenth day of a history: half the cohort, no usual level, everyone looks new."""
    return changed(
        ordinary(date(2022, 2, 10), days=10, history_first_day=date(2022, 2, 1)),
        completeness=Completeness(State.UNKNOWN),
    )


def short_history() -> ReportInputs:
    """The twenty-first day of a history: judged, by wide borders."""
    return ordinary(date(2022, 2, 21), days=21, history_first_day=date(2022, 2, 1))


def missing_funnel() -> ReportInputs:
    return changed(alarming(date(2022, 2, 16)), funnel=None, usual_steps=None)


def everything_missing() -> ReportInputs:
    return changed(
        ordinary(),
        unclosed=None,
        expiring=None,
        funnel=None,
        paying=None,
        clients=None,
        quality=None,
        values=values(SATURDAY, {}),
    )


def late_part() -> ReportInputs:
    """Payments did not arrive; two earlier days are flawed; some rows were set aside."""
    return changed(
        ordinary(),
        paying=None,
        spoiled_days=frozenset({date(2022, 2, 5), date(2022, 2, 7)}),
        quality=DataQuality(
            2345,
            {
                "without_user": 3,
                "unknown_type": 12,
                "duplicates": 41,
                "without_time": 1,
                "strange": 2,
            },
        ),
    )


def not_counted_part() -> ReportInputs:
    """The source has no name for what the funnel counts."""
    return changed(ordinary(), not_counted={"funnel": "в словаре нет «Успешный ВУ»"})


def not_counted_process() -> ReportInputs:
    return changed(ordinary(), not_counted={SECOND_LINE: "в словаре нет «Дозвон 2Л»"})


def _cut(found: Completeness, **today: Sequence[Value]) -> ReportInputs:
    half = lately(
        ordinary(),
        open_requests=[(41, 58)],
        first_line=[(29, 46)],
        new_paying=[(4, None)],
        requests=[(27, None)],
        **today,
    )
    return changed(half, completeness=found)


def ends_early() -> ReportInputs:
    """The day's rows end at 14:03: what looks like an alarm is not judged."""
    return _cut(Completeness(State.ENDS_EARLY, ends_at=datetime(2022, 2, 12, 14, 3)))


def hole() -> ReportInputs:
    since, until = datetime(2022, 2, 12, 9), datetime(2022, 2, 12, 15, 30)
    return _cut(Completeness(State.HOLE, ends_at=since, resumes_at=until))


def _after_a_cut_day(inputs: ReportInputs) -> ReportInputs:
    """The same, with the data of two days before cut: it spoils the day after, too."""
    return changed(inputs, spoiled_days=frozenset({inputs.about.day - timedelta(days=2)}))


def alarming_after_a_cut_day() -> ReportInputs:
    """A story that may have begun on days that were not judged is new on the first that is."""
    return _after_a_cut_day(lately(ordinary(), open_requests=[(23, 58), (23, 58), (23, 58)]))


def continuing_after_a_cut_day() -> ReportInputs:
    """A story that was told before a cut day goes on after it."""
    return _after_a_cut_day(lately(ordinary(), open_requests=[(23, 58)] * 5))


def empty_day() -> ReportInputs:
    """No row of the day: every number would be a zero."""
    nothing = ordinary(SATURDAY)
    today = {NEW_PAYING: [(0, None)], REQUESTS: [(0, None)]}
    return changed(
        lately(nothing, **today),
        completeness=Completeness(State.EMPTY),
        clients=clients(0, 0),
        quality=DataQuality(0, {}),
    )


def broken_as_a_rule(day: date = MONDAY) -> ReportInputs:
    """The second line has broken its promise in seven of eleven cases for months."""
    return ordinary(day, {**LEVELS, SECOND_LINE: (8, 11)})


FIVE_GROUPS: dict[str, Users] = {
    "дозвонились": (212, 190, 121, 66, 41, 30, 11),
    "повторные, ночные, без реакции 24 ч": (33, 20, 0, 0, 0, 0, 0),
    "записались сами": (148, 12, 8, 131, 96, 70, 19),
    "прежние клиенты, звонили, не дозвонились · 1": (57, 57, 2, 3, 2, 1, 1),
    "прежние клиенты, звонили, не дозвонились · 2": (41, 40, 1, 2, 1, 0, 0),
    "ночные, без реакции 24 ч": (96, 90, 0, 0, 0, 0, 0),
}


def groups(count: int) -> ReportInputs:
    if count == 1:
        return changed(
            ordinary(), funnel=funnel({journey.GROUP_ALL_REQUESTS: (41, 30, 21, 17, 12, 9, 3)})
        )
    return changed(ordinary(), funnel=funnel(dict(list(FIVE_GROUPS.items())[:count])))


def enormous() -> ReportInputs:
    day = date(2022, 9, 25)
    levels: dict[str, Value] = {
        NEW_PAYING: (15_321, None),
        REQUESTS: (64_321, None),
        OPEN_REQUESTS: (11_234, 65_432),
        FIRST_LINE: (44_444, 98_765),
        SECOND_LINE: (12_222, 23_456),
        LESSON_PAYMENT: (10_101, 20_002),
        APPOINTED: (28_000, 64_000),
        PAID: (4_000, 28_000),
    }
    loud = lately(ordinary(day, levels), open_requests=[(23_456, 58_888)])
    return changed(
        loud,
        funnel=funnel(
            {
                name: (users[0] * 200, *(each * 200 for each in users[1:]))
                for name, users in THREE_GROUPS.items()
            }
        ),
        paying=paying(13_788, 2034, 17_654, 15_234.567),
        clients=clients(51812, 16234),
        quality=DataQuality(2345678, {"duplicates": 12345, "without_user": 23456}),
    )


def holiday() -> ReportInputs:
    return lately(ordinary(date(2022, 1, 1)), new_paying=[(1, None)])


def leap_day() -> ReportInputs:
    return ordinary(date(2024, 2, 29), history_first_day=date(2023, 6, 1))


def corrected() -> ReportInputs:
    """The alarming Saturday as it is known after late rows came."""
    return lately(alarming(), open_requests=[(22, 58)], new_paying=[(16, None)])


def named_days() -> dict[str, ReportInputs]:
    """The days whose pictures are kept as golden files."""
    return {
        "ordinary": ordinary(),
        "alarm": alarming(),
        "continuing": continuing(),
        "back": back(),
        "week": week(),
        "flow": flow(),
        "handling": handling(),
        "fallen_funnel": fallen_funnel(),
        "record": record(),
        "catastrophe": catastrophe(),
        "broken_as_a_rule": broken_as_a_rule(),
        "quiet": quiet(),
        "first_day": first_day(),
        "young": young(),
        "short_history": short_history(),
        "ends_early": ends_early(),
        "hole": hole(),
        "empty_day": empty_day(),
        "not_counted_part": not_counted_part(),
        "not_counted_process": not_counted_process(),
        "missing_part": missing_funnel(),
        "late_part": late_part(),
        "all_missing": everything_missing(),
        "one_group": groups(1),
        "two_groups": groups(2),
        "four_groups": groups(4),
        "five_groups": groups(5),
        "six_groups": groups(6),
        "enormous": enormous(),
        "holiday": holiday(),
        "leap_day": leap_day(),
        "corrected": corrected(),
    }
