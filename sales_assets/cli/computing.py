"""What several commands have in common: a day as an argument, and the runs that compute days."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import click

from sales_assets.adapters.settings import Settings
from sales_assets.core.errors import RefusedError, SalesAssetsError


class _Day(click.ParamType):
    """A report day, like 2026-01-31."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day; write it like 2026-01-31.", param, ctx)


DAY = _Day()


class DaysRefusedError(RefusedError):
    """Days were refused that may be taken later, or at the operator's word."""


def today_of(settings: Settings) -> date:
    """Return the report's today."""
    return datetime.now(UTC).astimezone(settings.report_zone).date()


def compute(  # noqa: PLR0913 - one word of the operator each
    settings: Settings,
    days: list[date],
    *,
    as_it_is: bool = False,
    accept_loss: bool = False,
    same_source: bool = False,
    rebuild: bool = False,
) -> None:
    """Compute the reports of `days` under the operator's orders.

    Raises:
        DaysRefusedError: nothing failed, and days were refused that another word would take.
        SalesAssetsError: days are not over or before the history, the storage is of another
            source, or a run failed.
    """
    from sales_assets.cli import runs
    from sales_assets.defs.jobs import ACCEPT_LOSS_TAG, AS_IT_IS_TAG

    runs.require_finished(settings, days, today_of(settings))
    runs.require_own_storage(settings, same_source=same_source, rebuild=rebuild)
    told = {AS_IT_IS_TAG: as_it_is, ACCEPT_LOSS_TAG: accept_loss}
    computed = runs.compute(settings, days, {tag: "true" for tag, is_set in told.items() if is_set})
    missing = sorted(set(days).difference(computed.reported))
    without = [f"No report: {', '.join(map(str, missing))}."] if missing else []
    refused = [f"{one.day} is refused ({one.check}): {one.message}." for one in computed.refused]
    if computed.is_waiting:
        raise DaysRefusedError("\n".join([*refused, *without]))
    raise_failures([*refused, *computed.failures, *without])


def raise_failures(failures: Iterable[str]) -> None:
    """Raise what failed as one error, each sentence once; nothing where nothing failed."""
    told = list(dict.fromkeys(failures))
    if told:
        raise SalesAssetsError("\n".join(told))


def show_report(settings: Settings, day: date) -> None:
    """Print the verdict of `day`, and where its picture and its caption are."""
    from sales_assets.adapters.files.frames import FrameStore
    from sales_assets.adapters.files.reports import NUMBERS, PICTURE, read_report
    from sales_assets.core import names

    store = FrameStore(settings.storage)
    stored = read_report(store, day)
    click.echo(f"verdict: {stored.content['verdict']}")
    click.echo(f"picture: {store.path(names.DAILY_REPORT, day, PICTURE)}")
    click.echo(f"caption: {store.path(names.DAILY_REPORT, day, NUMBERS)}")
