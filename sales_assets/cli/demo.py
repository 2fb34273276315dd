"""The whole product on demo data: fill the embedded source, compute yesterday, deliver it."""

from datetime import date, timedelta
from pathlib import Path

import click

from sales_assets.adapters.demo.server import demo_source_url
from sales_assets.adapters.demo.source import load_demo_source
from sales_assets.adapters.outbox import outbox_files
from sales_assets.adapters.settings import Settings
from sales_assets.core.demo import DemoPlan, first_day
from sales_assets.defs.resources import OUTBOX_FOLDER


def load_demo(settings: Settings, today: date) -> None:
    """Fill the embedded source with everything until yesterday; say how much came."""
    url = demo_source_url(settings.var_dir)
    plan = DemoPlan(first_day=first_day(today), today=today)
    rows = load_demo_source(url, plan)
    newest = today - timedelta(days=1)
    click.echo(f"demo source: {rows} rows added, from {plan.first_day} to {newest}", err=True)


def delivered_files(settings: Settings, day: date) -> list[Path]:
    """Return what the outbox holds of `day`; nothing where a token sends messages instead."""
    return outbox_files(settings.var_dir / OUTBOX_FOLDER, day.isoformat())
