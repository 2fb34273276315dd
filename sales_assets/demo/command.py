"""`sales-assets demo`: fill the embedded source, compute yesterday, deliver it."""

from datetime import datetime, time, timedelta

import click

from sales_assets.adapters.settings import Settings
from sales_assets.cli.computing import raise_failures, show_report, today_of
from sales_assets.core.errors import SalesAssetsError


@click.command()
@click.pass_obj
def demo(settings: Settings) -> None:
    """Show everything on demo data: an embedded Postgres, yesterday's report, its delivery."""
    from sales_assets.cli.runs import compute, deliver
    from sales_assets.defs.resources import OUTBOX_FOLDER

    if settings.source_url is not None:
        raise SalesAssetsError(
            "The demo has a source of its own, and SALES_ASSETS_SOURCE_URL is set: its yesterday "
            "would be delivered at once. Compute it by sales-assets report DAY, or unset it."
        )
    yesterday = today_of(settings) - timedelta(days=1)
    # The demo waits for no morning: a report is due as soon as its day is over.
    settings = settings.model_copy(update={"delivery_time": time()})
    load_demo(settings)
    compute(settings, [yesterday])
    raise_failures(deliver(settings))
    show_report(settings, yesterday)
    # Nothing where a token sends messages instead.
    for path in sorted((settings.var_dir / OUTBOX_FOLDER / str(yesterday)).glob("*.*")):
        click.echo(f"delivered: {path}")


def load_demo(settings: Settings) -> None:
    """Fill the embedded source with everything until this hour; say how much came."""
    from sales_assets.demo.journeys import plan_at
    from sales_assets.demo.server import demo_source_url
    from sales_assets.demo.source import load_demo_source

    url = demo_source_url(settings.var_dir)
    plan = plan_at(datetime.now(settings.source_zone).replace(tzinfo=None))
    rows = load_demo_source(url, plan)
    until = f"{plan.known_until:%Y-%m-%d %H:%M}"
    click.echo(f"demo source: {rows} rows added, from {plan.first_day} to {until}", err=True)
