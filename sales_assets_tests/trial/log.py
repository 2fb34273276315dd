"""A stranger's log: a folder with three tables as CSV, and the settings that it is read with."""

import csv
import gzip
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

import psycopg2
from dotenv import dotenv_values
from psycopg2 import sql

from sales_assets.adapters.settings import PREFIX
from sales_assets.core.errors import SalesAssetsError
from sales_assets_tests.sources import SCHEMA

FILES = {
    "events": "events.csv.gz",
    "events_dict": "events_dict.csv",
    "payments": "payments.csv.gz",
}
COLUMNS = {
    "events": ("_user_id", "event_id", "happened_at"),
    "events_dict": ("id", "_description"),
    "payments": ("_user_id", "transaction_created_at"),
}
#: An optional file of the folder with `SALES_ASSETS_…` lines; it outranks the environment.
SETTINGS_FILE = "trial.env"
#: Public logs that carry no settings, by the SHA-256 of their events as CSV.
KNOWN_LOGS = {
    # BPI Challenge 2012, B. F. van Dongen, doi 10.4121/uuid:3926db30-f712-4394-aebc-75976070e91f
    "23fd0a8b4e6e00a07e896bdb48a7324b309eefef9697a977f3a2dff247971c01": {
        "REPORT_TZ": "Europe/Amsterdam",
        "HOLIDAYS": "NL",
    },
}
#: What a log may need to be read rightly; no other setting reaches the trial.
READ_SETTINGS = ("REPORT_TZ", "SOURCE_TZ", "START_DATE", "HOLIDAYS", "PAYERS_WITHOUT_EVENTS")

#: The last weeks of a log are cut by its collection: what they began isn't over.
UNSETTLED = timedelta(days=14)
#: Before that a desk is too young to be judged, and everybody looks new.
YOUNG = timedelta(days=61)


@dataclass(frozen=True)
class LogDays:
    """The days of a trial: computed from `first` to `last`, stories counted from `judged_from`."""

    first: date
    last: date
    judged_from: date


def load(folder: Path, url: str) -> None:
    """Copy the three files into a new database, as they are.

    Raises:
        SalesAssetsError: a file is missing, lacks a column, or Postgres refuses a line.
    """
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(SCHEMA)
        for table, name in FILES.items():
            with _opened(folder / name) as lines:
                _copy(cursor, table, folder / name, lines)


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if not path.is_file():
        raise SalesAssetsError(
            f"{path} was looked for and is not there. A log is a folder with "
            f"{', '.join(FILES.values())}."
        )
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as packed:
        yield TextIOWrapper(packed, encoding="utf-8", newline="")  # type: ignore[arg-type]


def _copy(cursor: "psycopg2.extensions.cursor", table: str, path: Path, lines: TextIO) -> None:
    header = next(csv.reader([lines.readline()]), [])
    if set(header) != set(COLUMNS[table]):
        raise SalesAssetsError(
            f"{path} begins with the columns {', '.join(header)}; "
            f"expected {', '.join(COLUMNS[table])}."
        )
    statement = sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT csv)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, header))
    )
    try:
        cursor.copy_expert(statement, lines)
    except psycopg2.DataError as error:
        raise SalesAssetsError(f"{path} could not be loaded: {str(error).strip()}") from error


def days_of(url: str, settings: Mapping[str, str]) -> LogDays:
    """Return the days that the loaded log itself suggests, but for a first day that is set.

    From its first event's day to 14 days before its last one's; judged from the 62nd day on.
    """
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT min(happened_at)::date, max(happened_at)::date FROM events")
        first, newest = cursor.fetchone() or (None, None)
    if first is None or newest is None:
        raise SalesAssetsError("The log has no event with a time: there is no day to try.")
    set_first = settings.get(f"{PREFIX}START_DATE")
    first = date.fromisoformat(set_first) if set_first else first
    return LogDays(first, newest - UNSETTLED, first + YOUNG)


def settings_of(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings to read the log with: the folder's, else the environment's.

    Without any they are those of `KNOWN_LOGS`, else all times are of one zone and no day is a
    public holiday.

    Raises:
        SalesAssetsError: the folder sets something that the trial doesn't leave to a log.
    """
    names = [PREFIX + name for name in READ_SETTINGS]
    of_folder = {
        name: value for name, value in dotenv_values(folder / SETTINGS_FILE).items() if value
    }
    if strange := sorted(set(of_folder).difference(names)):
        raise SalesAssetsError(
            f"{folder / SETTINGS_FILE} sets {', '.join(strange)}; it may set {', '.join(names)}."
        )
    of_environment = {name: environment[name] for name in names if environment.get(name)}
    return {f"{PREFIX}HOLIDAYS": "none"} | _known(folder) | of_environment | of_folder


def _known(folder: Path) -> dict[str, str]:
    with _opened(folder / FILES["events"]) as lines:
        digest = sha256(lines.read().encode()).hexdigest()
    return {PREFIX + name: value for name, value in KNOWN_LOGS.get(digest, {}).items()}
