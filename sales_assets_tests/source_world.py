"""BASE of the open cases: a source of twelve weeks whose numbers are known, in plain SQL."""

from datetime import date, timedelta

from sales_assets_tests.sources import execute

DICTIONARY = {
    10: "Создание заявки",
    11: "Назначение задачи на звонок 1Л",
    12: "Ученик ответил на звонок оператора 1л",
    13: "Назначение ВУ",
    14: "Выход МВУ на ВУ",
    15: "Успешный ВУ",
    16: "Назначена задача на вторую линию",
    17: "Дозвон 2Л",
    18: "Переход на ДУ (ДУ начался)",
    19: "ДУ завершен",
    20: "Отправка сообщения WA",
    21: "У ответил на сообщение WA",
}
FIRST, LAST = date(2026, 9, 1), date(2026, 11, 23)
DAY = LAST
BEFORE = LAST - timedelta(days=1)

TABLES = """
CREATE TABLE events(_user_id text, event_id int, happened_at timestamp);
CREATE TABLE events_dict(id int, _description text);
CREATE TABLE payments(_user_id text, transaction_created_at timestamp);
"""
ROWS = """
INSERT INTO events SELECT to_char(d,'MMDD')||to_char(u,'FM0000'), k.id,
    d + time '09:00' + u*interval '7 min' + k.after
FROM generate_series(timestamp '2026-09-01','2026-11-23','1 day') d, generate_series(0,19) u,
    (VALUES (10,interval '0',1),(11,'1 min',1),(12,'30 min',2),(13,'60 min',3),(14,'5 h',6),
        (15,'6 h',6)) k(id,after,each)
WHERE u % k.each = 0;
INSERT INTO payments SELECT to_char(d,'MMDD')||to_char(u,'FM0000'), d + time '20:00'
FROM generate_series(timestamp '2026-09-01','2026-11-23','1 day') d, generate_series(0,18,6) u;
"""


def make_base(url: str, change: str = "") -> None:
    """Replace what the database holds by BASE, and change it."""
    execute(url, f"DROP TABLE IF EXISTS events, events_dict, payments; {TABLES}")
    execute(url, "INSERT INTO events_dict VALUES (%s, %s)", DICTIONARY.items())
    for statements in filter(None, (ROWS, change)):
        execute(url, statements.replace("%", "%%"))  # psycopg2 looks for parameters
