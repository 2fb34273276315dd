"""The command line of the analyst: `sales-assets --help`."""

import os
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import wraps
from typing import Any

import click
from dotenv import find_dotenv, load_dotenv

from sales_assets.adapters.settings import Settings
from sales_assets.core.errors import SalesAssetsError


class _Day(click.ParamType):
    """A report day, like 2026-01-31."""

    name = "YYYY-MM-DD"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day; write it like 2026-01-31.", param, ctx)


DAY = _Day()


class _Commands(click.Group):
    """Prints our own errors as a sentence, and exits with 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SalesAssetsError as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(context: click.Context) -> None:
    """The sales department's morning report: compute it, deliver it, look after it.

    Settings are read from the environment and from .env in the current folder.
    """
    load_dotenv(find_dotenv(usecwd=True))
    context.obj = Settings.from_environment(os.environ)


@main.command()
@click.argument("day", type=DAY)
@click.pass_obj
def report(settings: Settings, day: date) -> None:
    """Compute the report of DAY and print where the picture and the caption are."""
    _compute(settings, [day])
    _show_report(settings, day)


@main.command()
@click.argument("from_day", metavar="FROM", type=DAY)
@click.argument("to_day", metavar="TO", type=DAY)
@click.pass_obj
def backfill(settings: Settings, from_day: date, to_day: date) -> None:
    """Compute every day FROM … TO, both included; nothing is delivered.

    Started again after an interruption it computes the range anew; the same days give the same
    files.
    """
    if to_day < from_day:
        raise SalesAssetsError(
            f"The range {from_day} to {to_day} ends before it starts; name the earlier day first."
        )
    days = [from_day + timedelta(days=n) for n in range((to_day - from_day).days + 1)]
    _compute(settings, days)
    click.echo(f"{len(days)} days from {from_day} to {to_day} are in {settings.storage}")


def _today(settings: Settings) -> date:
    return datetime.now(UTC).astimezone(settings.report_zone).date()


def _compute(settings: Settings, days: list[date]) -> None:
    from sales_assets.cli.runs import compute, require_finished

    require_finished(settings, days, _today(settings))
    outcome = compute(settings, days)
    if outcome.failures:
        missing = sorted(set(days).difference(outcome.reported))
        without = f" No report: {', '.join(map(str, missing))}." if missing else ""
        raise SalesAssetsError("\n".join([*dict.fromkeys(outcome.failures)]) + without)


def _show_report(settings: Settings, day: date) -> None:
    from sales_assets.adapters.frames import FrameStore
    from sales_assets.adapters.report_files import NUMBERS, PICTURE, read_report
    from sales_assets.defs import names

    store = FrameStore(settings.storage)
    stored = read_report(store, day)
    click.echo(f"verdict: {stored.content['verdict']}")
    click.echo(f"picture: {store.path(names.DAILY_REPORT, day, PICTURE)}")
    click.echo(f"caption: {store.path(names.DAILY_REPORT, day, NUMBERS)}")
