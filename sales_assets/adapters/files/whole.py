"""Files that are whole or not there: the one way to write a file of a folder."""

import os
from glob import escape
from pathlib import Path
from socket import gethostname


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` under `path`, whose folder is made if it is missing.

    What stood there before stays until the new file is complete; what a killed process of this
    host left of this very file is swept away. In a container every program is process 1, so a
    shared folder needs the host's name, too.

    Raises:
        OSError: the file system's own word.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    ours = f".{path.name}.{gethostname()}"
    for leftover in path.parent.glob(f"{escape(ours)}.*.tmp"):
        try:
            os.kill(int(leftover.name.split(".")[-2]), 0)
        except ProcessLookupError:
            leftover.unlink(missing_ok=True)
        except PermissionError:
            continue  # it lives, and is another user's
    temporary = path.with_name(f"{ours}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
