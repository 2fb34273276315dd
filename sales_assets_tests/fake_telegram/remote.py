"""The control of a fake that runs in another process, under the names of `Control`."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from sales_assets_tests.fake_telegram.faults import Fault


class RemoteFake:
    """Calls `Control`'s methods over HTTP: `RemoteFake(url).add_user(first_name="Anna")`.

    Arguments go by name; a list such as `violations` is read as `remote.violations()`.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.base_url = f"{self.url}/bot"
        self.base_file_url = f"{self.url}/file/bot"

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda **arguments: self.control(name, arguments)

    def control(self, name: str, arguments: dict[str, Any]) -> Any:
        """One control by its name; ValueError with the fake's own words if it refuses."""
        body = json.dumps(arguments, default=fault_json).encode()
        request = urllib.request.Request(f"{self.url}/control/{name}", body, method="POST")  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(error.read().decode()) from None

    def wait_until_up(self, seconds: float = 10.0) -> None:
        """Return when the process answers; ConnectionError after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.control("violations", {})
            except OSError as error:
                if time.monotonic() > deadline:
                    raise ConnectionError(f"no fake answers at {self.url}") from error
                time.sleep(0.05)
            else:
                return


def fault_json(value: Any) -> Any:
    if isinstance(value, Fault):
        return vars(value)
    raise TypeError(f"{type(value).__name__} can't be sent to the fake")
