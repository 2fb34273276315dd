"""The command line of the analyst: `sales-assets --help`."""

import atexit
import gc
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import click

from sales_assets.adapters.settings import Settings, read_settings
from sales_assets.cli.computing import DAY, raise_failures, show_report, today_of, write_receipt
from sales_assets.core.errors import RefusedError, SalesAssetsError
from sales_assets.demo.command import demo, load_demo
from sales_assets.old_bot.command import compare

#: The exit code where the source's days, or whose they are, keep a report from being made.
REFUSED = 3
#: A link that is valid for a year has been forgotten by then.
MOST_HOURS = 24 * 365


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
    from sales_assets.cli.runs import compute

    compute(settings, [day], **orders)
    show_report(settings, day)


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
    from sales_assets.cli.runs import compute

    if to_day < from_day:
        raise SalesAssetsError(
            f"The range {from_day} to {to_day} ends before it starts; name the earlier day first."
        )
    days = [from_day + timedelta(days=n) for n in range((to_day - from_day).days + 1)]
    compute(settings, days, **orders)
    click.echo(f"{len(days)} days from {from_day} to {to_day} are in {settings.storage}")


@main.command()
@click.argument("day", type=DAY)
@click.pass_obj
def receipt(settings: Settings, day: date) -> None:
    """Write where the numbers of DAY come from into a workbook; print its path.

    A day that has no report is computed first, as `report` does. Exits with 1 where a number is
    another than the picture's, because rows were read again since.
    """
    from sales_assets.adapters.files.frames import FrameStore
    from sales_assets.adapters.files.reports import NUMBERS
    from sales_assets.cli.runs import compute, require_finished
    from sales_assets.core import names

    require_finished(settings, [day])
    if not FrameStore(settings.storage).holds(names.DAILY_REPORT, day, NUMBERS):
        compute(settings, [day])
    raise_failures(write_receipt(settings, day))


@main.command()
@click.pass_obj
def bot(settings: Settings) -> None:
    """Run the Telegram bot until it is stopped; exits with 4 where the token is refused."""
    from sales_assets.bot.program import run

    _collect_garbage()
    sys.exit(run(settings))


@main.command()
@click.option(
    "--hours",
    type=click.IntRange(1, MOST_HOURS),
    default=72,
    show_default=True,
    help="How long the link is valid.",
)
@click.pass_obj
def invite(settings: Settings, hours: int) -> None:
    """Print a link that lets one person, or one group, in; it works once."""
    from sales_assets.bot.invitations import invite as new_invite

    click.echo(new_invite(settings, timedelta(hours=hours)))


@main.command(context_settings={"ignore_unknown_options": True})  # a group's id is negative
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

    findings = list(examine(settings, today_of(settings)))
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
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=3000,
    show_default=True,
    help="The port to listen on.",
)
@click.pass_obj
def dev(settings: Settings, host: str, port: int) -> None:
    """Start the Dagster UI with schedule and sensors; with a token the bot, too.

    Without a source of its own the demo data is there.
    """
    from sales_assets.cli.dev import alone, serve

    _collect_garbage()
    with alone(settings, host, port):
        if settings.source_url is None:
            load_demo(settings)
        sys.exit(serve(settings, host, port))


main.add_command(demo)
main.add_command(compare)


def program() -> None:
    """Run `main` as the program that a shell starts, without the garbage collector.

    A start makes half a million objects that live as long as the process: going through them
    again and again, and once more at the end, takes a tenth of a short command's time. A program
    that lasts calls `_collect_garbage`.
    """
    gc.disable()
    atexit.register(gc.freeze)
    main()


def _collect_garbage() -> None:
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    program()
