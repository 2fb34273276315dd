"""Whether a run's process is there: what the launcher of a server answers to run monitoring."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from sales_assets.defs.run_launcher import WatchfulRunLauncher
from sales_assets_tests.ports import free_port

CODE = """
import time
import dagster as dg

@dg.op
def work():
    time.sleep(600)

@dg.job
def long_job():
    work()

defs = dg.Definitions(jobs=[long_job])
"""
HOST, GRPC_TAG = "127.0.0.1", ".dagster/grpc_info"
#: On a machine that does other things, too.
PATIENCE_SECONDS = 120


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    launcher = {"module": WatchfulRunLauncher.__module__, "class": WatchfulRunLauncher.__name__}
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides={"run_launcher": launcher}) as made:
        yield made


@pytest.fixture
def code_server(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "location.py").write_text(CODE)
    port = free_port()
    words = ["-m", "dagster", "api", "grpc", "-f", "location.py", "-h", HOST, "-p", str(port)]
    with subprocess.Popen([sys.executable, *words], cwd=tmp_path) as server:
        try:
            wait_for(port)
            yield port
        finally:
            server.kill()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if not client.connect_ex((HOST, port)):
                return
        time.sleep(0.2)
    raise TimeoutError(f"nothing listens at {port}")


def health(instance: dg.DagsterInstance, port: int | None) -> str:
    tags = {GRPC_TAG: json.dumps({"host": HOST, "port": port})} if port else {}
    run = instance.add_run(dg.DagsterRun("long_job", status=dg.DagsterRunStatus.STARTED, tags=tags))
    assert isinstance(instance.run_launcher, WatchfulRunLauncher)
    return instance.run_launcher.check_run_worker_health(run).status.value


def test_a_run_that_a_code_server_started_anew_does_not_have_is_gone(
    instance: dg.DagsterInstance, code_server: int
) -> None:
    assert health(instance, code_server) == "NOT_FOUND"


def test_a_run_is_at_work_where_nobody_can_say_otherwise(instance: dg.DagsterInstance) -> None:
    assert health(instance, free_port()) == "RUNNING"  # the code server is away
    assert health(instance, None) == "RUNNING"  # a command's run has none
