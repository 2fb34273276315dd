"""Files that are whole or not there: the one way to write a file of a folder."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` under `path`, whose folder is made if it is missing.

    What stood there before stays until the new file is complete; what a killed process left of
    this very file is swept away.

    Raises:
        OSError: the file system's own word.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        try:
            os.kill(int(leftover.name.split(".")[-2]), 0)
        except ProcessLookupError:
            leftover.unlink(missing_ok=True)
        except PermissionError:
            continue  # it lives, and is another user's
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
