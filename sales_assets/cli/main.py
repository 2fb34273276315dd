"""The command line of the analyst: `sales-assets --help`."""

import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import click

from sales_assets.adapters.settings import Settings, read_settings
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


#: The exit code where the source's days, or whose they are, keep a report from being made.
REFUSED = 3


class DaysRefusedError(RefusedError):
    """Days were refused that may be taken later, or at the operator's word."""


class _Refused(click.ClickException):
    """Shows the sentence of a refusal."""

    exit_code = REFUSED


class _Commands(click.Group):
    """Prints our own errors as a sentence, and exits with 1, or with 3 for what was refused."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SalesAssetsError as error:
            shown = _Refused if isinstance(error, RefusedError) else click.ClickException
            raise shown(str(error)) from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(context: click.Context) -> None:
    """The sales department's morning report: compute it, deliver it, look after it.

    Settings are read from the environment and from .env in the current folder or above.
    """
    context.obj = read_settings(os.environ)


def _with_orders(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what is done with days that would be refused."""
    for name, told in (
        ("--accept-loss", "Take a day that has lost rows since it was read."),
        ("--as-it-is", "Take a day that ends early or has a hole; its report says so."),
        ("--same-source", "The database moved: take it after stored days were compared with it."),
    ):
        command = click.option(name, is_flag=True, help=told)(command)
    return command


@main.command()
@click.argument("day", type=DAY)
@_with_orders
@click.pass_obj
def report(settings: Settings, day: date, **orders: bool) -> None:
    """Compute the report of DAY and print where the picture and the caption are.

    Exits with 3 where the source's day is refused: cut before its last call, or shrunken;
    or where the stored days are of another source.
    """
    _compute(settings, [day], **orders)
    _show_report(settings, day)


@main.command()
@click.argument("from_day", metavar="FROM", type=DAY)
@click.argument("to_day", metavar="TO", type=DAY)
@_with_orders
@click.option(
    "--rebuild", is_flag=True, help="Forget every stored day of every asset first, reports as well."
)
@click.pass_obj
def backfill(settings: Settings, from_day: date, to_day: date, **orders: bool) -> None:
    """Compute every day FROM … TO, both included; nothing is delivered.

    Started again after an interruption it computes the range anew; the same days give the same
    files. Refused days stop only themselves; it exits with 3 if nothing else is missing.
    """
    if to_day < from_day:
        raise SalesAssetsError(
            f"The range {from_day} to {to_day} ends before it starts; name the earlier day first."
        )
    days = [from_day + timedelta(days=n) for n in range((to_day - from_day).days + 1)]
    _compute(settings, days, **orders)
    click.echo(f"{len(days)} days from {from_day} to {to_day} are in {settings.storage}")


@main.command()
@click.argument("day", type=DAY)
@click.pass_obj
def compare(settings: Settings, day: date) -> None:
    """Show the old bot's numbers of DAY beside ours, and why they differ; write a page of it.

    What is not stored yet is computed first, as `report` does.
    """
    from sales_assets.cli.compare import StoredDays, compared, lines, write_page
    from sales_assets.cli.runs import require_finished

    today = _today(settings)
    require_finished(settings, [day], today)
    days = StoredDays(settings, day, today)
    if missing := days.missing():
        _compute(settings, missing)
    comparison = compared(days)
    for line in lines(days, comparison):
        click.echo(line)
    click.echo(f"page: {write_page(days, comparison)}")


@main.command()
@click.argument("day", type=DAY)
@click.pass_obj
def receipt(settings: Settings, day: date) -> None:
    """Write where the numbers of DAY come from into a workbook; print its path.

    A day that has no report is computed first, as `report` does. Exits with 1 where a number is
    another than the picture's, because rows were read again since.
    """
    from sales_assets.cli.receipt import is_reported, write_receipt
    from sales_assets.cli.runs import require_finished

    require_finished(settings, [day], _today(settings))
    if not is_reported(settings, day):
        _compute(settings, [day])
    path, differences = write_receipt(settings, day)
    click.echo(f"receipt: {path}")
    _raise_failures(differences)


def _today(settings: Settings) -> date:
    return datetime.now(UTC).astimezone(settings.report_zone).date()


def _compute(  # noqa: PLR0913 - one word of the operator each
    settings: Settings,
    days: list[date],
    *,
    as_it_is: bool = False,
    accept_loss: bool = False,
    same_source: bool = False,
    rebuild: bool = False,
) -> None:
    from sales_assets.cli.runs import compute, require_finished, require_own_storage
    from sales_assets.defs.jobs import ACCEPT_LOSS_TAG, AS_IT_IS_TAG

    require_finished(settings, days, _today(settings))
    require_own_storage(settings, same_source=same_source, rebuild=rebuild)
    told = {AS_IT_IS_TAG: as_it_is, ACCEPT_LOSS_TAG: accept_loss}
    computed = compute(settings, days, {tag: "true" for tag, is_set in told.items() if is_set})
    missing = sorted(set(days).difference(computed.reported))
    without = [f"No report: {', '.join(map(str, missing))}."] if missing else []
    refused = [f"{one.day} is refused ({one.check}): {one.message}." for one in computed.refused]
    if computed.is_waiting:
        raise DaysRefusedError("\n".join([*refused, *without]))
    _raise_failures([*refused, *computed.failures, *without])


def _raise_failures(failures: Iterable[str]) -> None:
    told = list(dict.fromkeys(failures))
    if told:
        raise SalesAssetsError("\n".join(told))


def _show_report(settings: Settings, day: date) -> None:
    from sales_assets.adapters.files.frames import FrameStore
    from sales_assets.adapters.files.reports import NUMBERS, PICTURE, read_report
    from sales_assets.core import names

    store = FrameStore(settings.storage)
    stored = read_report(store, day)
    click.echo(f"verdict: {stored.content['verdict']}")
    click.echo(f"picture: {store.path(names.DAILY_REPORT, day, PICTURE)}")
    click.echo(f"caption: {store.path(names.DAILY_REPORT, day, NUMBERS)}")


@main.command()
@click.pass_obj
def demo(settings: Settings) -> None:
    """Show everything on demo data: an embedded Postgres, yesterday's report, its delivery."""
    from sales_assets.cli.demo import delivered_files, load_demo
    from sales_assets.cli.runs import deliver

    today = _today(settings)
    # The demo waits for no morning: a report is due as soon as its day is over.
    settings = settings.model_copy(update={"delivery_time": time()})
    load_demo(settings, datetime.now(UTC))
    yesterday = today - timedelta(days=1)
    _compute(settings, [yesterday])
    _raise_failures(deliver(settings))
    _show_report(settings, yesterday)
    for path in delivered_files(settings, yesterday):
        click.echo(f"delivered: {path}")


@main.command()
@click.pass_obj
def bot(settings: Settings) -> None:
    """Run the Telegram bot until it is stopped; exits with 4 where the token is refused."""
    from sales_assets.bot.program import run

    sys.exit(run(settings))


@main.command()
@click.option("--hours", default=72, show_default=True, help="How long the link is valid.")
@click.pass_obj
def invite(settings: Settings, hours: int) -> None:
    """Print a link that lets one person, or one group, in; it works once."""
    from sales_assets.bot.invitations import invite as new_invite

    click.echo(new_invite(settings, timedelta(hours=hours)))


@main.command()
@click.argument("chat", type=int)
@click.pass_obj
def revoke(settings: Settings, chat: int) -> None:
    """Take the right to read away from CHAT, whose id `doctor` shows."""
    from sales_assets.bot.invitations import revoke as take_away

    click.echo(f"{take_away(settings, chat)} subscriptions of {chat} ended")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for a program.")
@click.pass_obj
def doctor(settings: Settings, *, as_json: bool) -> None:
    """Look at settings, source, storage and Telegram; say what is wrong and what to do."""
    from sales_assets.cli.doctor import examine

    findings = list(examine(settings, _today(settings)))
    is_well = all(finding.is_well for finding in findings)
    if as_json:
        told = {"is_well": is_well, "findings": [asdict(finding) for finding in findings]}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            click.echo(f"{'ok ' if finding.is_well else 'BAD'}  {finding.text}")
    if not is_well:
        marked = "what is_well says of each finding" if as_json else "the lines marked BAD"
        raise SalesAssetsError(f"Something is not as it should be; see {marked}.")


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=3000, show_default=True, help="The port to listen on.")
@click.pass_obj
def dev(settings: Settings, host: str, port: int) -> None:
    """Start the Dagster UI with schedule and sensors; with a token the bot, too.

    Without a source of its own the demo data is there.
    """
    from sales_assets.cli.demo import load_demo
    from sales_assets.cli.dev import alone, serve

    with alone(settings, host, port):
        if settings.source_url is None:
            load_demo(settings, datetime.now(UTC))
        sys.exit(serve(settings, host, port))


if __name__ == "__main__":
    main()
