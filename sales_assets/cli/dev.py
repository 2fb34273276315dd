"""The Dagster UI with schedule and sensors, and the bot beside it where a token is set."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import click

from sales_assets.adapters.settings import Settings
from sales_assets.cli.instance import prepare_home
from sales_assets.core.errors import SalesAssetsError

WORKSPACE = Path("workspace.yaml")
#: Dagster's own processes have twice as long to end as they take on a busy machine.
STOP_SECONDS = 20


def serve(settings: Settings, host: str, port: int) -> int:
    """Run the UI until it ends; return its exit code."""
    if not WORKSPACE.exists():
        raise SalesAssetsError(
            f"{WORKSPACE} was looked for in {Path.cwd()} and is not there. "
            "Start the command in the project's folder."
        )
    prepare_home(settings)
    # Without a handler the processes below would outlive this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with ExitStack() as running:
        if settings.telegram_bot_token:
            running.enter_context(_process([sys.executable, "-m", "sales_assets.cli.main", "bot"]))
        command = [sys.executable, "-m", "dagster", "dev", "-w", str(WORKSPACE)]
        click.echo(f"The Dagster UI: http://{host}:{port}", err=True)
        ui = running.enter_context(_process([*command, "-h", host, "-p", str(port)]))
        return ui.wait()


@contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, env=os.environ) as process:  # noqa: S603 - our own programs
        try:
            yield process
        except KeyboardInterrupt:
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)  # Ctrl-C reached it, too
            raise
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
