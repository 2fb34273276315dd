"""Invented days for the report's tests: an ordinary one, and changes to it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from sales_assets.core import journey, names
from sales_assets.core.journey import FIRST_LINE_PATH, MAIN_PATH, PATHS, PROCESSES
from sales_assets.core.report.part import DataQuality, ReportDay, ReportInputs

MOSCOW = ZoneInfo("Europe/Moscow")
SATURDAY = date(2022, 2, 12)
WEEKS = (7, 14, 21, 28)
PROCESS_NAMES = tuple(process.name for process in PROCESSES)

Users = tuple[int, ...]  # the seven stages of one group

FRAMES = {
    "unclosed": names.UNCLOSED_PROCESSES,
    "funnel": names.CONVERSION_FUNNEL,
    "paying": names.NEW_PAYING_USERS,
    "clients": names.USER_HISTORY,
}
BEFORE = {
    "unclosed_before": names.UNCLOSED_PROCESSES,
    "funnel_before": names.CONVERSION_FUNNEL,
    "paying_series": names.NEW_PAYING_USERS,
}


def changed(inputs: ReportInputs, **changes: Any) -> ReportInputs:
    """Other frames, comparisons or facts of the day in place of these; None takes one away."""
    frames = {FRAMES[k]: changes.pop(k) for k in list(changes) if k in FRAMES}
    before = {BEFORE[k]: changes.pop(k) for k in list(changes) if k in BEFORE}
    quality = changes.pop("quality", inputs.quality)
    return ReportInputs(
        about=replace(inputs.about, **changes),
        frames={k: v for k, v in {**inputs.frames, **frames}.items() if v is not None},
        before={k: v for k, v in {**inputs.before, **before}.items() if v is not None},
        quality=quality,
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


def unclosed(rows: Mapping[str, tuple[int, int]], usual: float | None = None) -> pd.DataFrame:
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
                "usual_breached": usual,
                "same_day_users": breached // 4,
            }
            for name, (breached, due) in rows.items()
        ]
    )


def unclosed_before(day: date, breached: dict[str, tuple[int, ...]], due: int = 30) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"day": day - timedelta(days=back), "process": name, "due": due, "breached": value}
            for name, values in breached.items()
            for back, value in zip(WEEKS, values, strict=False)
        ],
        columns=["day", "process", "due", "breached"],
    )


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


def funnel_before(day: date, entries: int, shares: tuple[float, ...]) -> pd.DataFrame:
    """Shares of the main path's steps after the entry, the same for four weeks but for a breath."""
    steps = PATHS[MAIN_PATH]
    return pd.DataFrame(
        [
            {
                "day": day - timedelta(days=back),
                "path": MAIN_PATH,
                "step": step,
                "users": round(entries * share * breath),
                "share": share * breath if share < 1 else 1.0,
            }
            for back, breath in zip(WEEKS, (1.0, 0.97, 1.04, 1.01), strict=True)
            for step, share in zip(steps, (1.0, *shares), strict=True)
        ],
        columns=["day", "path", "step", "users", "share"],
    )


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


SERIES = (15, 17, 13, 19, 14, 12, 13, 16, 14, 11, 15, 14, 16, 15)
SERIES += (14, 15, 13, 19, 14, 12, 16, 17, 9, 14, 12, 16, 15, 14)


def paying_series(day: date, values: tuple[int, ...] = SERIES) -> pd.DataFrame:
    days = [day - timedelta(days=back) for back in reversed(range(len(values)))]
    return pd.DataFrame({"day": days, "new_paying": list(values)})


THREE_GROUPS: dict[str, Users] = {
    journey.GROUP_REACHED: (212, 190, 121, 66, 41, 30, 11),
    journey.GROUP_BOOKED_THEMSELVES: (148, 12, 8, 131, 96, 70, 19),
    journey.GROUP_NO_REACTION: (96, 90, 0, 0, 0, 0, 0),
}
USUAL_BREACHED = {
    journey.OPEN_REQUESTS: (11, 9, 12, 11),
    journey.FIRST_LINE: (5, 4, 6, 5),
    journey.SECOND_LINE: (7, 8, 6, 7),
    journey.LESSON_PAYMENT: (3, 2, 3, 4),
}


def ordinary(day: date = SATURDAY) -> ReportInputs:
    about = ReportDay(day=day, zone=MOSCOW, history_first_day=date(2021, 6, 1))
    return changed(
        ReportInputs(about, quality=DataQuality(rows=2345, set_aside={})),
        unclosed=unclosed(
            {
                journey.OPEN_REQUESTS: (12, 32),
                journey.FIRST_LINE: (4, 10),
                journey.SECOND_LINE: (8, 11),
                journey.LESSON_PAYMENT: (2, 7),
            }
        ),
        unclosed_before=unclosed_before(day, USUAL_BREACHED),
        funnel=funnel(THREE_GROUPS),
        funnel_before=funnel_before(day, 440, (0.44, 0.3, 0.215, 0.07)),
        paying=paying(14),
        paying_series=paying_series(day),
        clients=clients(518, 62),
    )


def alarming(day: date = SATURDAY) -> ReportInputs:
    return changed(
        ordinary(day),
        unclosed=unclosed(
            {
                journey.OPEN_REQUESTS: (23, 32),
                journey.FIRST_LINE: (4, 10),
                journey.SECOND_LINE: (8, 11),
                journey.LESSON_PAYMENT: (2, 7),
            }
        ),
    )


def catastrophe() -> ReportInputs:
    day = SATURDAY
    return changed(
        ordinary(day),
        unclosed=unclosed(
            {
                journey.OPEN_REQUESTS: (131, 140),
                journey.FIRST_LINE: (54, 60),
                journey.SECOND_LINE: (38, 41),
                journey.LESSON_PAYMENT: (17, 17),
            }
        ),
        paying=paying(0, experiment=0),
        funnel=funnel(
            {name: (u[0], u[1], u[2], u[3] // 3, 9, 4, 0) for name, u in THREE_GROUPS.items()}
        ),
    )


def record() -> ReportInputs:
    day = date(2022, 3, 31)
    series = (*SERIES[:-1], 41)
    return changed(ordinary(day), paying=paying(41), paying_series=paying_series(day, series))


def quiet() -> ReportInputs:
    day = date(2021, 8, 1)
    nothing = dict.fromkeys(PROCESS_NAMES, (0, 0))
    return changed(
        ordinary(day),
        history_first_day=date(2021, 1, 1),
        unclosed=unclosed(nothing),
        unclosed_before=unclosed_before(day, dict.fromkeys(PROCESS_NAMES, (0, 1, 0, 0))),
        funnel=funnel({}),
        funnel_before=funnel_before(day, 0, (0.0, 0.0, 0.0, 0.0)),
        paying=paying(0, experiment=0, last_week=1, mean=0.4),
        paying_series=paying_series(day, (0, 1, 0, 0, 2, 0, 1) * 4),
        clients=clients(0, 0),
        quality=DataQuality(0, {}),
    )


def first_day() -> ReportInputs:
    day = date(2022, 2, 1)
    return changed(
        ordinary(day),
        history_first_day=day,
        unclosed=unclosed(dict.fromkeys(PROCESS_NAMES, (0, 0))),
        unclosed_before=unclosed_before(day, {}),
        funnel=funnel({}),
        funnel_before=funnel_before(day, 0, (0.0, 0.0, 0.0, 0.0)).head(0),
        paying=paying(9, last_week=None, mean=None),
        paying_series=paying_series(day, (9,)),
    )


def young() -> ReportInputs:
    """The third week of a history: half the cohort, no usual level, everyone looks new."""
    day = date(2022, 2, 10)
    return changed(
        ordinary(day),
        history_first_day=date(2022, 2, 1),
        unclosed_before=unclosed_before(day, dict.fromkeys(PROCESS_NAMES, (3,))),
        funnel_before=funnel_before(day, 0, (0.0, 0.0, 0.0, 0.0)).head(0),
        paying=paying(14, last_week=12, mean=13.0),
        paying_series=paying_series(day, SERIES[-10:]),
    )


def missing_funnel() -> ReportInputs:
    return changed(alarming(date(2022, 2, 16)), funnel=None, funnel_before=None)


def everything_missing() -> ReportInputs:
    return changed(
        ordinary(),
        unclosed=None,
        unclosed_before=None,
        funnel=None,
        funnel_before=None,
        paying=None,
        paying_series=None,
        clients=None,
        quality=None,
    )


def late_part() -> ReportInputs:
    """Payments did not arrive; two earlier days are flawed; some rows were set aside."""
    return changed(
        ordinary(),
        paying=None,
        paying_series=None,
        flawed_days=(date(2022, 2, 5), date(2022, 2, 7)),
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
    return changed(
        ordinary(day),
        unclosed=unclosed(
            {
                journey.OPEN_REQUESTS: (23456, 65432),
                journey.FIRST_LINE: (45678, 98765),
                journey.SECOND_LINE: (12345, 23456),
                journey.LESSON_PAYMENT: (10001, 20002),
            }
        ),
        unclosed_before=unclosed_before(
            day,
            {
                journey.OPEN_REQUESTS: (11234, 11235, 9876, 12000),
                journey.FIRST_LINE: (44444, 43333, 45555, 46666),
                journey.SECOND_LINE: (12222, 12223, 12111, 12555),
                journey.LESSON_PAYMENT: (10101, 10102, 9999, 10203),
            },
        ),
        funnel=funnel(
            {
                name: (users[0] * 200, *(each * 200 for each in users[1:]))
                for name, users in THREE_GROUPS.items()
            }
        ),
        paying=paying(14321, 2034, 17654, 15234.567),
        paying_series=paying_series(day, tuple(value * 1000 + 321 for value in SERIES)),
        clients=clients(51812, 16234),
        quality=DataQuality(2345678, {"duplicates": 12345, "without_user": 23456}),
    )


def holiday() -> ReportInputs:
    return changed(ordinary(date(2022, 1, 1)), paying=paying(1, 0))


def leap_day() -> ReportInputs:
    return changed(ordinary(date(2024, 2, 29)), history_first_day=date(2023, 6, 1))


def corrected() -> ReportInputs:
    """The alarming Saturday as it is known after late rows came."""
    return changed(
        alarming(),
        paying=paying(15),
        unclosed=unclosed(
            {
                journey.OPEN_REQUESTS: (21, 32),
                journey.FIRST_LINE: (4, 10),
                journey.SECOND_LINE: (8, 11),
                journey.LESSON_PAYMENT: (2, 7),
            }
        ),
    )


def named_days() -> dict[str, ReportInputs]:
    """The days whose pictures are kept as golden files."""
    return {
        "ordinary": ordinary(),
        "alarm": alarming(),
        "record": record(),
        "catastrophe": catastrophe(),
        "quiet": quiet(),
        "first_day": first_day(),
        "young": young(),
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
