"""What Dagster's UI and files tell about the settings: no token, no password."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from sales_assets_tests.fake_telegram import faults
from sales_assets_tests.faults import leaks, processes
from sales_assets_tests.faults.stage import SOURCE_PASSWORD, TOKEN, Stage, stage
from sales_assets_tests.ports import free_port

PROJECT = Path(__file__).parents[2]
PROXY_PASSWORD = "Proxy-Passw0rd-Of-The-Tests"  # noqa: S105 - belongs to no proxy
SECRETS = (TOKEN, TOKEN.partition(":")[2], SOURCE_PASSWORD, PROXY_PASSWORD)
START_SECONDS = 90

WORKSPACE = """
{ workspaceOrError { __typename ... on Workspace { locationEntries { locationOrLoadError {
  __typename ... on PythonError { message stack }
  ... on RepositoryLocation { repositories {
    pipelines { name runConfigYaml: description }
    schedules { name } sensors { name }
    assetNodes { assetKey { path } description metadataEntries { label description } }
    allTopLevelResourceDetails {
      name description configFields { name description defaultValueAsJson }
      configuredValues { key value type } nestedResources { name }
    }
} } } } } } }
"""
RUNS = """
{ runsOrError { __typename ... on Runs { results {
  runId status runConfigYaml tags { key value }
  eventConnection { events { __typename
    ... on MessageEvent { message }
    ... on ExecutionStepFailureEvent {
      error { message stack causes { message stack } errorChain { error { message stack } } }
    }
    ... on MaterializationEvent { metadataEntries { label description ... on TextMetadataEntry {
      text } } }
  } }
} } } }
"""


@pytest.fixture
def delivered(tmp_path: Path) -> Iterator[Stage]:
    """A stage on which one run was refused the token and the next delivered."""
    with stage(3, tmp_path / "round") as made:
        made.fake.order(faults.refuse(401, "Unauthorized"), times=None)
        deliver(made)
        made.heal()
        deliver(made)
        assert made.fake.accepted()
        yield made


def deliver(made: Stage) -> None:
    process = processes.start(processes.deliver_in_dagster, made.told("delivery"))
    process.join(90)
    assert process.exitcode == processes.DONE


@contextmanager
def ui(made: Stage) -> Iterator[str]:
    """Dagster's web server over the stage's instance; its address, once it answers."""
    port = free_port()
    log = (made.folder / "ui.log").open("wb")
    command = [sys.executable, "-m", "dagster_webserver", "-w", "workspace.yaml", "-p", str(port)]
    environment = os.environ | made.environment | {"SALES_ASSETS_TELEGRAM_PROXY": proxy_setting()}
    with (
        log,
        subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            wait_until_up(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


def proxy_setting() -> str:
    return f"http://reports:{PROXY_PASSWORD}@127.0.0.1:9"


def wait_until_up(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(f"{url}/server_info", timeout=5)
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the UI does not start"
            time.sleep(0.2)
        else:
            return


def test_neither_pages_nor_answers_nor_files_of_the_ui_hold_a_secret(delivered: Stage) -> None:
    with ui(delivered) as url, httpx.Client(base_url=url, timeout=60) as client:
        workspace = client.post("/graphql", json={"query": WORKSPACE})
        runs = client.post("/graphql", json={"query": RUNS})
        page = client.get("/")
    answers = [workspace.text, runs.text, page.text]
    assert "report_delivery_job" in workspace.text
    assert "SALES_ASSETS_TELEGRAM_BOT_TOKEN" in workspace.text
    assert {"FAILURE", "SUCCESS"} <= {
        run["status"] for run in runs.json()["data"]["runsOrError"]["results"]
    }
    assert [secret for secret in SECRETS for text in answers if secret in text] == []
    assert list(leaks.leaks(delivered.folder, SECRETS)) == []


def test_a_secret_in_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"..." + TOKEN.encode() + b"...")
    assert len(list(leaks.leaks(tmp_path, SECRETS))) == 2
