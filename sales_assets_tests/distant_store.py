"""An object store that is away until a test opens it: nothing listens at its address."""

import logging
from dataclasses import dataclass, field

import s3fs
from moto.server import ThreadedMotoServer

from sales_assets_tests.ports import free_port

#: One attempt is enough to learn that nobody is there.
ATTEMPTS = "1"


@dataclass
class DistantStore:
    """The store at a port of its own."""

    port: int = field(default_factory=free_port)
    _server: ThreadedMotoServer | None = None

    @property
    def bucket(self) -> str:
        """The bucket's name: what lies in a store is common to all of one process."""
        return f"bucket-{self.port}"

    @property
    def folder(self) -> str:
        """The setting of a storage in it."""
        return f"s3://{self.bucket}/folder"

    @property
    def environment(self) -> dict[str, str]:
        """What points the product's driver there."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": ATTEMPTS,
        }

    def open(self) -> None:
        """Be there from now on, with an empty bucket."""
        logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request
        self._server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self._server.start()
        s3fs.S3FileSystem(skip_instance_cache=True).mkdir(self.bucket)

    def close(self) -> None:
        """Be away again."""
        if self._server:
            self._server.stop()
        s3fs.S3FileSystem.clear_instance_cache()
