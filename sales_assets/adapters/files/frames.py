"""Frames and report files by asset and day, in a folder or an object store."""

import errno
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from upath import UPath

from sales_assets.adapters.files.whole import write_whole
from sales_assets.core import names
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.frames import FRAMES
from sales_assets.core.metrics.event_log import EventLog, encode
from sales_assets.core.metrics.values import values_of

if TYPE_CHECKING:
    import pyarrow as pa

EXTENSION = ".parquet"
#: Elsewhere a dictionary costs a third of the time and of the room.
_REPEATING = frozenset(
    column.name for frame in FRAMES.values() for column in frame.columns if column.repeats
)
_NO_TYPES = pd.Index([], dtype="str")
_DAY_FILE = re.compile(r"(\d{4}-\d{2}-\d{2})(\.\w+)")


class StorageError(SalesAssetsError):
    """A file of the storage could not be read or written."""


class PassingStorageError(StorageError):
    """The storage is full, or away: it passes by itself or once somebody frees space."""


class MissingDayError(StorageError):
    """A day was asked for that the storage does not hold."""


class FrameStore:
    """`<base>/<asset>/<YYYY-MM-DD>.parquet`, one file a day and asset, whole or not at all.

    A file is written under a temporary name and then renamed; object stores make a file visible
    only when it is whole, so there it is written at once.
    """

    def __init__(self, base: str) -> None:
        try:
            base = base.removeprefix("file://")  # a folder, whose files are replaced whole
            # A remembered listing would hide what another process writes.
            self.base = UPath(base, use_listings_cache=False) if "://" in base else UPath(base)
            _ = self.base.fs  # looks for an object store's driver here, not at the first file
        except (ImportError, ValueError) as error:
            raise StorageError(
                f"SALES_ASSETS_STORAGE is {base!r}, which needs a package that is not installed "
                f"({error}). Install it (s3fs for s3://, gcsfs for gs://) or name a folder."
            ) from error

    def path(self, asset: str, day: date, extension: str = EXTENSION) -> UPath:
        """Return where the file of that asset and day stands, written or not."""
        return self.base / asset / f"{day.isoformat()}{extension}"

    def holds(self, asset: str, day: date, extension: str = EXTENSION) -> bool:
        """Tell whether the file is there."""
        path = self.path(asset, day, extension)
        with _trouble_named("look for", path):
            return path.exists()

    def written_at(self, asset: str, day: date, extension: str = EXTENSION) -> float | None:
        """Return when the file was written, in seconds since the epoch; None without one."""
        path = self.path(asset, day, extension)
        with _trouble_named("look for", path):
            return path.stat().st_mtime if path.exists() else None

    def days(self, asset: str, extension: str = EXTENSION) -> set[date]:
        """Return the stored days of `asset`, found with one listing of its folder.

        What else lies there (a note, a half-written file) is no day.
        """
        folder = self.base / asset
        with _trouble_named("list", folder):
            files = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        found = (_DAY_FILE.fullmatch(name) for name in files)
        return {date.fromisoformat(one[1]) for one in found if one and one[2] == extension}

    def forget(self, asset: str, day: date, extension: str = EXTENSION) -> None:
        """Delete the file, if it is there."""
        path = self.path(asset, day, extension)
        with _trouble_named("delete", path):
            path.unlink(missing_ok=True)

    def clear(self, *files: str) -> int:
        """Delete all day files of all assets, and the named files beside; return how many."""
        with _trouble_named("clear", self.base):
            inside = self.base.iterdir() if self.base.is_dir() else []
            folders = [path for path in inside if path.is_dir()]
            doomed = [
                path
                for folder in folders
                for path in folder.iterdir()
                if _DAY_FILE.fullmatch(path.name)
            ]
            doomed += [self.base / name for name in files if (self.base / name).exists()]
            for path in doomed:
                path.unlink()
        return len(doomed)

    def write(self, asset: str, day: date, frame: pd.DataFrame) -> str:
        """Store the frame, replacing an older one; return the SHA-256 of its file.

        The same frame gives the same bytes. Categories are stored as plain strings, so that a
        reader sees the columns that docs/assets.md promises.
        """
        content = _as_parquet(frame)
        write_bytes(self.path(asset, day), content)
        return sha256(content).hexdigest()

    def read(self, asset: str, day: date) -> pd.DataFrame:
        """Return the stored frame, `event_type` as a category.

        Raises:
            MissingDayError: there is none.
            StorageError: its file cannot be read as Parquet.
        """
        return _with_text_categories(_read_table(self.path(asset, day)).to_pandas())

    def read_days(self, asset: str, days: Sequence[date]) -> pd.DataFrame:
        """Return the stored frames of `days` below each other, a `day` column first.

        Raises `MissingDayError` for a day that is not stored. Many small frames take a third of
        the time of reading each by itself.
        """
        import pyarrow as pa

        tables = [_read_table(self.path(asset, day)) for day in days]
        frame = _with_text_categories(pa.concat_tables(tables, promote_options="none").to_pandas())
        frame.insert(0, "day", np.repeat(np.array(days, object), [len(one) for one in tables]))
        return frame

    def digest(self, asset: str, day: date) -> str:
        """Return the SHA-256 of a stored frame's file; raise `MissingDayError` without one."""
        return sha256(read_bytes(self.path(asset, day))).hexdigest()

    def rows(self, asset: str, day: date) -> int:
        """Return how many rows the stored frame has; raise `MissingDayError` if there is none."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.path(asset, day)
        with _damage_named(path):
            return pq.read_metadata(pa.BufferReader(read_bytes(path))).num_rows


def read_event_log(store: FrameStore, days: Sequence[date], zone: ZoneInfo) -> EventLog:
    """Return the stored clean events and user histories of `days` as one log."""
    events = (store.read(names.CLEAN_EVENTS, day) for day in days)
    histories = (store.read(names.USER_HISTORY, day) for day in days)
    return encode(events, histories, zone)


def read_daily_values(store: FrameStore, days: Iterable[date]) -> pd.DataFrame:
    """Return the daily values of those of `days` that are stored."""
    stored = store.days(names.DAILY_VALUES)
    found = [day for day in days if day in stored]
    return store.read_days(names.DAILY_VALUES, found) if found else values_of({})


def _as_parquet(frame: pd.DataFrame) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False, nthreads=1)
    categories = frame.select_dtypes("category").columns
    if len(categories):
        # Arrow spells the categories out several times as fast as pandas does.
        plain = frame.head(0).astype(dict.fromkeys(categories, "str"))
        schema = pa.Schema.from_pandas(plain, preserve_index=False)
        table = table.cast(schema).replace_schema_metadata(schema.metadata)
    buffer = io.BytesIO()
    repeating = [name for name in table.column_names if name in _REPEATING]
    # The type checker reads the default True as the only type of use_dictionary.
    pq.write_table(table, buffer, compression="zstd", use_dictionary=repeating)  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()


def _read_table(path: UPath) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = read_bytes(path)
    with _damage_named(path):
        table = pq.read_table(pa.BufferReader(content), read_dictionary=["event_type"])
    described = FRAMES.get(path.parent.name)  # a metric that was added describes its own
    promised = described.names if described else ()
    if missing := [name for name in promised if name not in table.column_names]:
        raise StorageError(
            f"{path} has no column {', '.join(missing)}; {', '.join(promised)} were expected, so "
            "another program wrote it. Delete it and materialize that day again."
        )
    return table


@contextmanager
def _damage_named(path: UPath) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:  # a damaged page is an OSError
        raise StorageError(
            f"{path} could not be read as a Parquet file ({error}). "
            "Delete it and materialize that day again."
        ) from error


def _with_text_categories(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the categories of a day without a single known event their type back."""
    if "event_type" not in frame or len(frame["event_type"].cat.categories):
        return frame
    return frame.assign(event_type=frame["event_type"].astype(pd.CategoricalDtype(_NO_TYPES)))


def read_bytes(path: UPath) -> bytes:
    """Return the file's content; raise `MissingDayError` if there is no such file."""
    with _trouble_named("read", path):
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise MissingDayError(
                f"{path} was expected and is not there. Materialize that day of "
                f"{path.parent.name!r} first, or run: sales-assets backfill {path.stem} {path.stem}"
            ) from error


def read_json(path: UPath) -> dict[str, Any]:
    """Return what a JSON file says; raise `MissingDayError` if there is no such file."""
    return parsed(path, read_bytes(path))


def parsed(path: UPath, content: bytes) -> dict[str, Any]:
    """Return what the content of a JSON file says; raise `StorageError` where it is damaged."""
    try:
        return json.loads(content)
    except ValueError as error:
        raise StorageError(
            f"{path} could not be read as a JSON file ({error}). Delete it and compute its day "
            "again: sales-assets report DAY."
        ) from error


def write_bytes(path: UPath, content: bytes) -> None:
    """Write a whole file or none: what stood there before stays until the new one is complete."""
    with _trouble_named("write", path):
        if isinstance(path, Path):
            write_whole(path, content)
        else:
            path.write_bytes(content)


_ADVICE = {
    errno.EACCES: "Give the user that runs this the right to {verb} there, or set "
    "SALES_ASSETS_STORAGE to another folder.",
    errno.EROFS: "The file system is read-only: set SALES_ASSETS_STORAGE to another folder.",
    errno.ENOSPC: "The disk is full: free some space and start again; nothing half-written stays.",
    errno.EDQUOT: "The quota is used up: free some space and start again.",
}
_AWAY = (ConnectionError, TimeoutError)
_PASSING = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EBUSY, errno.EIO),
    # A mounted folder whose server is away.
    *(errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH),
)
_DEFAULT_ADVICE = "Check SALES_ASSETS_STORAGE and start again; nothing half-written stays."


@contextmanager
def _trouble_named(verb: str, path: UPath) -> Iterator[None]:
    """Turn an error of the file system into a `StorageError`; one that is that already passes.

    Of an object store any error is one: its driver has classes of its own where no answer comes,
    and the system's for an answer that refuses.
    """
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        if not isinstance(error, OSError) and isinstance(path, Path):
            raise
        number = error.errno if isinstance(error, OSError) else None
        said = error.strerror if isinstance(error, OSError) else None
        advice = _ADVICE.get(number or 0, _DEFAULT_ADVICE).format(verb=verb)
        is_away = not isinstance(error, OSError) or isinstance(error, _AWAY)
        kind = PassingStorageError if is_away or number in _PASSING else StorageError
        raise kind(f"Could not {verb} {path}: {said or error}. {advice}") from error
