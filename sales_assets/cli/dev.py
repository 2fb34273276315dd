"""The Dagster UI with schedule and sensors, and the bot beside it where a token is set."""

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.resources import as_file, files

import click
from filelock import FileLock, Timeout

from sales_assets.adapters.settings import Settings
from sales_assets.cli.instance import HOME, home_folder, prepare_home, unusable_home
from sales_assets.core.errors import SalesAssetsError

WORKSPACE = "workspace.yaml"
LOCK = ".dev.lock"
#: `dg dev` would need an extra of its own; it starts the same processes.
_QUIET = ("-W", "ignore:Function `dev_command` is superseded")
#: Dagster's own processes have twice as long to end as they take on a busy machine.
STOP_SECONDS = 20


@contextmanager
def alone(settings: Settings, host: str, port: int) -> Iterator[None]:
    """Hold Dagster's home: two daemons on one would do everything twice.

    Raises:
        SalesAssetsError: another `dev` holds it, it can't be made, or the port is taken.
    """
    home = home_folder(settings)
    try:
        home.mkdir(parents=True, exist_ok=True)
        held = FileLock(home / LOCK).acquire(timeout=0)
    except Timeout:
        raise SalesAssetsError(
            f"`sales-assets dev` runs already with Dagster's home {home}. Use its UI, or stop it "
            f"first; a second one beside it needs {HOME} and SALES_ASSETS_VAR of its own."
        ) from None
    except OSError as error:
        raise unusable_home(home, error) from error
    with held:
        _require_free(host, port)
        yield


def _require_free(host: str, port: int) -> None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        is_taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
        way_out = "Stop what does, or take another port with --port."
        raise SalesAssetsError(
            f"The UI cannot listen on {_address(host, port)}: {error.strerror}. "
            f"{way_out if is_taken else 'Name an address of this machine with --host.'}"
        ) from error


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def serve(settings: Settings, host: str, port: int) -> int:
    """Run the UI until it ends; return its exit code."""
    prepare_home(settings)
    # Without a handler the processes below would outlive this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # Dagster ends its own processes with an interrupt, which in a script's background is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with ExitStack() as running:
        workspace = running.enter_context(as_file(files("sales_assets.defs") / WORKSPACE))
        if settings.telegram_bot_token:
            running.enter_context(_process([sys.executable, "-m", "sales_assets.cli.main", "bot"]))
        command = [sys.executable, *_QUIET, "-m", "dagster", "dev", "-w", str(workspace)]
        click.echo(f"The Dagster UI: http://{_address(host, port)}", err=True)
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
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
