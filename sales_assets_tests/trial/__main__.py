"""`make trial DATA=FOLDER`: the whole product on a stranger's log, against the goals."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from sales_assets.adapters.files.archive import Archive
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.files.reports import NUMBERS, read_report
from sales_assets.adapters.settings import PREFIX
from sales_assets.core import names
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.report.receipt import figures as numbers_of
from sales_assets.demo import embedded_postgres
from sales_assets_tests.trial.figures import Figure, figures, receipts, told
from sales_assets_tests.trial.log import LogDays, days_of, load, settings_of

DATABASE = "trial"
DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--last", type=DAY, help="The last day.  [default: 14 days before the log's last]")
@click.option("--judged-from", type=DAY, help="Count stories from it on.  [default: the 62nd day]")
@click.option("--keep", type=click.Path(path_type=Path), help="Work in this folder, and keep it.")
def main(folder: Path, last: Any, judged_from: Any, keep: Path | None) -> None:
    """Run the product on the log in FOLDER and print its figures; exit 1 where a goal is missed.

    FOLDER holds events.csv.gz, events_dict.csv and payments.csv.gz with the columns of the
    source. Zones, the first day and the holidays' country are settings of the product: in the
    folder's trial.env, else in the environment, else those of a log that is known here.
    """
    changes = {"last": last, "judged_from": judged_from}
    try:
        with _work_folder(keep) as work:
            found = trial(folder, work, {name: day.date() for name, day in changes.items() if day})
    except SalesAssetsError as error:
        raise click.ClickException(str(error)) from None
    for figure in found:
        click.echo(_line(figure))
    sys.exit(1 if any(figure.is_met is False for figure in found) else 0)


def trial(folder: Path, work: Path, changes: Mapping[str, date]) -> list[Figure]:
    """Load the log, compute its days by `sales-assets backfill`, and count what they say."""
    settings = settings_of(folder, os.environ)
    with embedded_postgres.start(work / "postgres") as server:
        url = server.ensure_database(DATABASE)
        load(folder, url)
        days = replace(days_of(url, settings), **changes)
        if days.last < days.first:
            raise SalesAssetsError(
                f"The log's days are {days.first} to {days.last}: too few. Name a later --last."
            )
        click.echo(f"{folder}: {days.first} to {days.last}, stories from {days.judged_from} on")
        _backfill(days, work, url, settings)
    store = FrameStore(str(work / "storage"))
    reports = _reports(store, days)
    for line in told(reports, days):
        click.echo(f"  {line}")
    zone = ZoneInfo(settings.get(f"{PREFIX}REPORT_TZ", "Europe/Moscow"))
    archive = Archive(store, zone, None)
    return [
        *figures(reports, days),
        receipts({day: numbers_of(archive.receipt(day)) for day in reports}),
    ]


def _backfill(days: LogDays, work: Path, url: str, settings: Mapping[str, str]) -> None:
    """Run the command; what it could not compute is a day without a report."""
    # No settings of the project reach it: the nearest .env is this empty one.
    (work / ".env").touch()
    others = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
    environment = {
        **others,
        f"{PREFIX}START_DATE": str(days.first),
        **settings,
        f"{PREFIX}SOURCE_URL": url,
        f"{PREFIX}VAR": str(work),
        "DAGSTER_HOME": str(work / "dagster"),
    }
    program = [sys.executable, "-m", "sales_assets.cli.main"]
    command = [*program, "backfill", str(days.first), str(days.last)]
    ended = subprocess.run(command, cwd=work, env=environment, check=False)
    if ended.returncode < 0:
        raise SalesAssetsError(
            f"sales-assets backfill {days.first} {days.last} was ended by signal "
            f"{-ended.returncode}: the figures would be those of half a run. Start the trial again."
        )


def _reports(store: FrameStore, days: LogDays) -> dict[date, Mapping[str, Any]]:
    count = (days.last - days.first).days + 1
    every = [days.first + timedelta(days=n) for n in range(count)]
    stored = store.days(names.DAILY_REPORT, NUMBERS)
    return {day: read_report(store, day).content for day in every if day in stored}


def _line(figure: Figure) -> str:
    goal = f"goal {figure.goal}: {'met' if figure.is_met else 'MISSED'}" if figure.goal else ""
    return f"{figure.name:<40} {figure.value:<40} {goal}".rstrip()


@contextmanager
def _work_folder(kept: Path | None) -> Iterator[Path]:
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="sales-assets-trial-") as folder:
            yield Path(folder)
    elif kept.exists() and any(kept.iterdir()):
        raise SalesAssetsError(f"{kept} is not empty; a trial starts in a folder of its own.")
    else:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.absolute()


if __name__ == "__main__":
    main()
