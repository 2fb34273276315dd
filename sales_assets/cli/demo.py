"""The whole product on demo data: fill the embedded source, compute yesterday, deliver it."""

from datetime import date, datetime
from pathlib import Path

import click

from sales_assets.adapters.demo.server import demo_source_url
from sales_assets.adapters.demo.source import load_demo_source
from sales_assets.adapters.outbox import outbox_files
from sales_assets.adapters.settings import Settings
from sales_assets.core.demo import plan_at
from sales_assets.defs.resources import OUTBOX_FOLDER


def load_demo(settings: Settings, now: datetime) -> None:
    """Fill the embedded source with everything until the hour of `now`; say how much came."""
    url = demo_source_url(settings.var_dir)
    plan = plan_at(now.astimezone(settings.source_zone).replace(tzinfo=None))
    rows = load_demo_source(url, plan)
    until = f"{plan.known_until:%Y-%m-%d %H:%M}"
    click.echo(f"demo source: {rows} rows added, from {plan.first_day} to {until}", err=True)


def delivered_files(settings: Settings, day: date) -> list[Path]:
    """Return what the outbox holds of `day`; nothing where a token sends messages instead."""
    return outbox_files(settings.var_dir / OUTBOX_FOLDER, day.isoformat())
