"""Every fault of a source through the command line, each by processes of its own."""

import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import click

from sales_assets.demo import embedded_postgres
from sales_assets_tests.faults.source_faults import FAULTS
from sales_assets_tests.faults.source_trial import Trial, as_a_process, base_template


@click.command()
@click.option("--only", default="", help="Only faults whose kind or name has this (a pattern).")
def main(only: str) -> None:
    """Try the faults of sources; exit code 1 if one isn't met as it has to be."""
    place, failed = Path(tempfile.mkdtemp(prefix="source-faults-")), []
    chosen = [fault for fault in FAULTS if re.search(only, f"{fault.kind}: {fault}")]
    with embedded_postgres.start(place / "postgres") as server:
        template = base_template(server)
        for number, fault in enumerate(chosen, start=1):
            began, folder = time.monotonic(), place / str(number)
            trial = Trial(fault, server, template, folder, as_a_process)
            breaches = trial.tried()
            trial.drop()
            shutil.rmtree(folder, ignore_errors=True)
            outcome = "FAILED" if breaches else "ok"
            seconds = time.monotonic() - began
            click.echo(f"{number}/{len(chosen)} {fault.kind}: {fault} {outcome}, {seconds:.0f} s")
            for breach in breaches:
                click.echo(f"  {breach}", err=True)
            failed += [str(fault)] if breaches else []
    shutil.rmtree(place, ignore_errors=True)
    click.echo(f"{len(chosen)} faults of sources, {len(failed)} not met {failed}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
