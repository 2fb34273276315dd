"""`sales-assets dev` as a person at its UI has it: until it answers, and a day launched in it."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

from sales_assets.core.errors import SalesAssetsError
from sales_assets_tests.ports import free_port

WAIT_SECONDS, STOP_SECONDS, POLL_SECONDS = 900, 60, 0.05
WORKSPACE = Path(__file__).parents[2] / "workspace.yaml"
ASSETS = "{ assetNodes { assetKey { path } } }"
#: What the button "Materialize all" sends.
LAUNCH = """
mutation ($day: String!, $assets: [AssetKeyInput!]!) {
  launchRun(executionParams: {
    selector: {
      repositoryLocationName: "sales_assets", repositoryName: "__repository__",
      jobName: "__ASSET_JOB", assetSelection: $assets
    }
    runConfigData: {}
    executionMetadata: { tags: [{ key: "dagster/partition", value: $day }] }
  }) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}
"""
RUN = """
query ($run: ID!) { runOrError(runId: $run) { ... on Run { status startTime endTime } } }
"""


class DevTimes(NamedTuple):
    """Seconds until the UI answers, from a launch to the delivered day, and of the run itself.

    The run's own begin when Dagster has started its process and that has imported everything.
    """

    until_served: float
    until_delivered: float
    of_run: float


def dev_times(folder: Path, environment: Mapping[str, str], day: date) -> DevTimes:
    """Start `sales-assets dev` on the demo in `folder`, launch `day`, and stop it again.

    What was delivered before is forgotten, so that the day is owed.
    """
    for name in ("state.db", "state.id"):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "outbox", ignore_errors=True)
    shutil.copy(WORKSPACE, folder)
    port = free_port()
    command = [sys.executable, "-m", "sales_assets.cli.main", "dev", "--port", str(port)]
    with (folder / "dev.log").open("wb") as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            ui = _Ui(f"http://127.0.0.1:{port}", process, folder)
            ui.wait_until("its UI answers", ui.is_served)
            until_served = time.perf_counter() - started
            return DevTimes(until_served, *ui.deliver(day))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)


class _Ui(NamedTuple):
    url: str
    process: "subprocess.Popen[bytes]"
    folder: Path

    def is_served(self) -> bool:
        try:
            with urlopen(f"{self.url}/server_info", timeout=5):  # noqa: S310 - our own address
                return True
        except OSError:
            return False

    def deliver(self, day: date) -> tuple[float, float]:
        """Launch a day with all assets; return the seconds until delivered, and of the run."""
        started = time.perf_counter()
        assets = [node["assetKey"] for node in self._ask(ASSETS)["assetNodes"]]
        launched = self._ask(LAUNCH, day=str(day), assets=assets)["launchRun"]
        if "run" not in launched:
            raise SalesAssetsError(f"Dagster launched no run of {day}: {launched}")
        run: dict[str, Any] = {}

        def is_over() -> bool:
            run.update(self._ask(RUN, run=launched["run"]["runId"])["runOrError"])
            return run["status"] in ("SUCCESS", "FAILURE", "CANCELED")

        self.wait_until(f"the run of {day} is over", is_over)
        seconds = time.perf_counter() - started
        if run["status"] != "SUCCESS" or not any((self.folder / "outbox").rglob(f"*{day}*")):
            raise SalesAssetsError(
                f"The run of {day} ended with {run['status']}, and nothing was delivered; see "
                f"{self.folder / 'dev.log'}."
            )
        return seconds, run["endTime"] - run["startTime"]

    def _ask(self, query: str, **variables: Any) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(f"{self.url}/graphql", body, headers)  # noqa: S310 - our own address
        with urlopen(request, timeout=WAIT_SECONDS) as answer:  # noqa: S310
            said = json.load(answer)
        if said.get("errors"):
            raise SalesAssetsError(f"Dagster's UI refused a question: {said['errors']}")
        return said["data"]

    def wait_until(self, what: str, is_so: Any) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not is_so():
            if self.process.poll() is not None or time.monotonic() > deadline:
                log = self.folder / "dev.log"
                raise SalesAssetsError(f"`sales-assets dev` was waited for until {what}; see {log}")
            time.sleep(POLL_SECONDS)
