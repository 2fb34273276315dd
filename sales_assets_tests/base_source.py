"""The source of the open cases: twelve weeks of a small, regular department, up to yesterday."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sales_assets_tests.sources import SCHEMA, execute


def noon_zone() -> str:
    """A zone in which it is about noon: midnight and a morning's hours are far away."""
    offset = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"


#: The report zone of tests that rest on the clock: while they run, yesterday stays yesterday.
ZONE = ZoneInfo(noon_zone())
#: The settings that say so.
ZONES = {"report_zone": ZONE, "source_zone": ZONE}
DAYS = 84
NAMES = (
    "Создание заявки",
    "Назначение задачи на звонок 1Л",
    "Ученик ответил на звонок оператора 1л",
    "Назначение ВУ",
    "Выход МВУ на ВУ",
    "Успешный ВУ",
    "Назначена задача на вторую линию",
    "Дозвон 2Л",
    "Переход на ДУ (ДУ начался)",
    "ДУ завершен",
    "Отправка сообщения WA",
    "У ответил на сообщение WA",
)
DICTIONARY = dict(enumerate(NAMES, start=10))
_EVENTS = """
INSERT INTO events
SELECT to_char(d, 'MMDD') || to_char(u, 'FM0000'), k.id,
    d + time '09:00' + u * interval '7 min' + k.after
FROM generate_series(%s::timestamp, %s::timestamp, '1 day') d, generate_series(0, 19) u,
    (VALUES (10, interval '0', 1), (11, '1 min', 1), (12, '30 min', 2), (13, '60 min', 3),
        (14, '5 h', 6), (15, '6 h', 6)) k (id, after, each)
WHERE u %% k.each = 0
"""
_PAYMENTS = """
INSERT INTO payments
SELECT to_char(d, 'MMDD') || to_char(u, 'FM0000'), d + time '20:00'
FROM generate_series(%s::timestamp, %s::timestamp, '1 day') d, generate_series(0, 18, 6) u
"""
ROWS_A_DAY = 69


def yesterday() -> date:
    """The newest finished day of `ZONE`."""
    return datetime.now(ZONE).date() - timedelta(days=1)


def first_day(last: date, days: int = DAYS) -> date:
    """The first day of a source that ends with `last`."""
    return last - timedelta(days=days - 1)


def fill_base(url: str, last: date, days: int = DAYS) -> date:
    """Fill an empty source with `days` up to `last`; return the first. Replaces the dictionary."""
    execute(url, "TRUNCATE events_dict")
    execute(url, "INSERT INTO events_dict VALUES (%s, %s)", DICTIONARY.items())
    first = first_day(last, days)
    for statement in (_EVENTS, _PAYMENTS):
        execute(url, statement, [(first, last)])
    return first


def make_base(url: str, last: date, change: str = "") -> None:
    """Replace what the database holds by BASE up to `last`, and change it."""
    execute(url, f"DROP TABLE IF EXISTS events, events_dict, payments; {SCHEMA}")
    fill_base(url, last)
    if change:
        execute(url, change.replace("%", "%%"))  # psycopg2 looks for parameters


def delete_rows(url: str, start: str, end: str) -> None:
    """Delete the rows of `[start, end)` from both tables."""
    for table, column in (("events", "happened_at"), ("payments", "transaction_created_at")):
        statement = f"DELETE FROM {table} WHERE {column} >= %s AND {column} < %s"  # noqa: S608
        execute(url, statement, [(start, end)])
