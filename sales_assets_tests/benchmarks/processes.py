"""Processes that are measured whole: their wall clock, CPU time and peak memory."""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

import psutil

from sales_assets.core.errors import SalesAssetsError


class Measured(NamedTuple):
    """One process: seconds of the clock, seconds of CPU, and the peak of its largest process.

    CPU and peak are its own and those of every process that it started and waited for.
    """

    wall: float
    cpu: float
    peak_mb: float
    output: str


def measured(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]
) -> Measured:
    """Run a command in `folder` to its end.

    The caller has to be small: what it holds at its own peak counts for its children's.

    Raises:
        SalesAssetsError: the command failed; has what it said.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=errors
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()  # the benchmark was ended
            raise
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        said, complained = map(_text, (output, errors))
    if process.returncode:
        words = " ".join(map(str, command))
        raise SalesAssetsError(f"{words} ended with {process.returncode}:\n{complained}\n{said}")
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said)


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def cpu_of_server(folder: Path) -> float:
    """Return the CPU seconds so far of the embedded Postgres in `folder`, with all its sessions."""
    pid = (folder / "data" / "postmaster.pid").read_text().split()[0]
    server = psutil.Process(int(pid))
    ended = server.cpu_times()
    seconds = ended.children_user + ended.children_system
    for process in (server, *server.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            seconds += process.cpu_times().user + process.cpu_times().system
    return seconds
