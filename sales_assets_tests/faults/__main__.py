"""Hundreds of rounds of faults and kills; every failure with the seed that repeats it."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import click

from sales_assets_tests.faults.plays import Server, is_in_postgres, play
from sales_assets_tests.faults.promises import Figures


@click.command()
@click.option("--rounds", default=300, show_default=True, help="How many rounds.")
@click.option("--seed", default=None, type=int, help="The first round's seed; random if not given.")
@click.option("--keep", is_flag=True, help="Keep the folders of rounds that failed.")
def main(rounds: int, seed: int | None, *, keep: bool) -> None:
    """Play ROUNDS rounds; exit code 1 if one of them breaks the promise."""
    first = seed if seed is not None else int(time.time()) % 1_000_000 * 1000
    total, failed = Figures(), []
    place = Path(tempfile.mkdtemp(prefix="faults-"))
    with Server(place) as server:
        for number in range(rounds):
            round_seed = first + number
            in_postgres = is_in_postgres(round_seed)
            url = server.database(f"faults_{round_seed}") if in_postgres else None
            breaches, figures = play(round_seed, place, state_url=url)
            total.add(figures)
            if breaches:
                failed.append(round_seed)
                tell(round_seed, breaches)
            if not (breaches and keep):
                shutil.rmtree(place / f"round-{round_seed}", ignore_errors=True)
            if sys.stderr.isatty() or number % 10 == 9:
                click.echo(f"{number + 1}/{rounds} rounds, seeds from {first}: {vars(total)}")
    click.echo(f"{rounds} rounds, {len(failed)} failed {failed}: {vars(total)}")
    if not keep or not failed:
        shutil.rmtree(place, ignore_errors=True)
    sys.exit(1 if failed else 0)


def tell(seed: int, breaches: list[str]) -> None:
    """Say what broke, and how to see it again."""
    click.echo(f"round with seed {seed} failed; again with --rounds 1 --seed {seed}", err=True)
    for breach in breaches:
        click.echo(f"  {breach}", err=True)


if __name__ == "__main__":
    main()
