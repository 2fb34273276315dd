"""`sales-assets compare`: the old bot's numbers of a day beside ours."""

from datetime import date

import click

from sales_assets.adapters.settings import Settings
from sales_assets.cli.computing import DAY, today_of


@click.command()
@click.argument("day", type=DAY)
@click.pass_obj
def compare(settings: Settings, day: date) -> None:
    """Show the old bot's numbers of DAY beside ours, and why they differ; write a page of it.

    What is not stored yet is computed first, as `report` does.
    """
    from sales_assets.cli.runs import compute, require_finished
    from sales_assets.old_bot.stored_days import StoredDays, lines, write_page

    require_finished(settings, [day])
    days = StoredDays(settings, day, today_of(settings))
    if missing := days.missing():
        compute(settings, missing)
    comparison = days.compared()
    for line in lines(days, comparison):
        click.echo(line)
    click.echo(f"page: {write_page(days, comparison)}")
