"""The worked example of docs/metrics.md as a source log."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pandas as pd

from sales_assets_tests.witnesses.journeys import EVENT_IDS, SourceLog
from sales_assets_tests.witnesses.vocabulary import FIRST_LINE

MOSCOW = ZoneInfo("Europe/Moscow")
TASK, ANSWER = (EVENT_IDS[name] for name in FIRST_LINE)
WHATSAPP = EVENT_IDS["Отправка сообщения WA"]
#: user, event, month, day, time; «Первая линия», day 30.01.2022
ROWS = (
    ("a", TASK, "2022-01-29 10:00"),
    ("a", ANSWER, "2022-01-29 12:00"),
    ("b", TASK, "2022-01-29 10:00"),
    ("b", ANSWER, "2022-01-30 10:00:00"),
    ("c", TASK, "2022-01-29 10:00"),
    ("c", ANSWER, "2022-01-30 10:00:01"),
    ("d", TASK, "2022-01-29 10:00"),
    ("e", TASK, "2022-01-30 23:50"),
    ("f", TASK, "2022-01-28 20:00"),
    ("f", ANSWER, "2022-01-30 09:00"),
    ("f", TASK, "2022-01-30 18:00"),
    ("g", TASK, "2022-01-28 15:00"),
    ("g", TASK, "2022-01-29 09:00"),
    ("g", TASK, "2022-01-29 16:00"),
    ("g", ANSWER, "2022-01-29 17:00"),
    ("h", TASK, "2022-01-29 08:00"),
    ("h", TASK, "2022-01-29 20:00"),
    ("i", TASK, "2022-01-30 00:00:00"),
    ("i", ANSWER, "2022-01-30 00:30"),
    ("j", TASK, "2022-01-30 12:00:00"),
    ("j", ANSWER, "2022-01-30 12:00:00"),
    ("k", TASK, "2022-01-29 09:00"),
    ("k", ANSWER, "2022-01-29 09:30"),
    ("k", TASK, "2022-01-29 11:00"),
    ("l", TASK, "2021-12-31 10:00"),
    ("m", TASK, "2022-01-29 10:00"),
    ("m", WHATSAPP, "2022-01-30 11:00"),
    ("n", TASK, "2022-01-29 10:00"),
    ("n", WHATSAPP, "2022-02-05 11:00"),
)


def worked_example() -> SourceLog:
    """Return the log of the worked example: due 8, breached 5, opened 4, closed 5, open 6."""
    return SourceLog(
        seed=-1,
        report_zone=MOSCOW,
        source_zone=MOSCOW,
        first_partition=date(2021, 11, 1),
        days=(date(2022, 1, 30),),
        events=pd.DataFrame(
            {
                "_user_id": pd.array([user for user, _, _ in ROWS], "str"),
                "event_id": pd.array([kind for _, kind, _ in ROWS], "Int64"),
                "happened_at": pd.Series(
                    [datetime.fromisoformat(at) for _, _, at in ROWS], dtype="datetime64[us]"
                ),
            }
        ),
        events_dict=pd.DataFrame(
            {"id": list(EVENT_IDS.values()), "_description": pd.array([*EVENT_IDS], "str")}
        ),
        payments=pd.DataFrame(
            {
                "_user_id": pd.array([], "str"),
                "transaction_created_at": pd.Series([], dtype="datetime64[us]"),
            }
        ),
    )
