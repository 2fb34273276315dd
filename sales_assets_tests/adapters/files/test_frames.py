import errno
import os
import socket
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from upath import UPath

from sales_assets.adapters.files.frames import (
    FrameStore,
    MissingDayError,
    PassingStorageError,
    StorageError,
    read_daily_values,
    write_bytes,
)
from sales_assets_tests.distant_store import DistantStore

DAY = date(2025, 1, 6)
EVENTS = pd.DataFrame(
    {
        "user_id": pd.Series(["007", "я"], dtype="str"),
        "event_time": pd.to_datetime(["2025-01-06 10:00", "NaT"]).as_unit("us"),
        "event_type": pd.Categorical(["Покупка", None]),
    }
)


@pytest.fixture
def store(tmp_path: Path) -> FrameStore:
    return FrameStore(str(tmp_path / "storage"))


def test_a_frame_comes_back_as_it_was_stored(store: FrameStore) -> None:
    store.write("raw_events", DAY, EVENTS)
    back = store.read("raw_events", DAY)
    pd.testing.assert_frame_equal(back, EVENTS)
    assert store.holds("raw_events", DAY)
    assert store.days("raw_events") == {DAY}


@pytest.mark.parametrize("rows", [0, 1])
def test_a_day_without_a_known_event_keeps_the_types_of_its_columns(
    store: FrameStore, rows: int
) -> None:
    frame = EVENTS.iloc[1 : 1 + rows].reset_index(drop=True)
    store.write("raw_events", DAY, frame)
    types = store.read("raw_events", DAY)["event_type"]
    assert types.cat.categories.dtype == "str"
    assert len(types) == rows


def test_days_are_read_in_any_order_and_values_where_they_are_stored(store: FrameStore) -> None:
    values = pd.DataFrame({"series": ["requests"], "value": [1.0], "of": [2.0]})
    other = date(2025, 1, 8)
    store.write("daily_values", DAY, values)
    store.write("daily_values", other, values.assign(value=3.0))
    read = store.read_days("daily_values", [other, DAY])
    assert list(zip(read["day"], read["value"], strict=True)) == [(other, 3), (DAY, 1)]
    found = read_daily_values(store, [DAY, date(2025, 1, 7), other])
    assert list(found["day"]) == [DAY, other]
    assert list(read_daily_values(store, [date(2025, 1, 7)])["series"]) == []


def test_the_same_frame_gives_the_same_bytes(store: FrameStore) -> None:
    for name in "ab":
        store.write(name, DAY, EVENTS)
    assert store.path("a", DAY).read_bytes() == store.path("b", DAY).read_bytes()


def test_a_file_without_a_promised_column_is_named_with_the_way_out(store: FrameStore) -> None:
    store.write("clean_events", DAY, EVENTS.drop(columns="event_time"))
    with pytest.raises(StorageError, match=r"event_time; user_id, .*Delete it"):
        store.read("clean_events", DAY)
    with pytest.raises(StorageError, match="has no column event_time"):
        store.read_days("clean_events", [DAY])


def test_other_readers_see_plain_text_and_no_pandas_index(store: FrameStore) -> None:
    import pyarrow.parquet as pq

    store.write("raw_events", DAY, EVENTS)
    schema = pq.read_schema(str(store.path("raw_events", DAY)))
    assert schema.names == ["user_id", "event_time", "event_type"]
    assert str(schema.field("event_type").type) in {"string", "large_string"}


def test_writing_changes_nothing_about_the_frame(store: FrameStore) -> None:
    before = EVENTS.copy(deep=True)
    store.write("raw_events", DAY, EVENTS)
    pd.testing.assert_frame_equal(EVENTS, before)


def test_a_missing_day_is_named_with_the_command_that_makes_it(store: FrameStore) -> None:
    with pytest.raises(MissingDayError, match="sales-assets backfill 2025-01-06 2025-01-06"):
        store.read("raw_events", DAY)


@pytest.mark.parametrize("damage", [slice(0, -20), slice(0, 0), slice(8, None)])
def test_a_damaged_file_is_named_with_the_way_out(store: FrameStore, damage: slice) -> None:
    store.write("raw_events", DAY, EVENTS)
    path = store.path("raw_events", DAY)
    path.write_bytes(path.read_bytes()[damage])
    with pytest.raises(StorageError, match="Delete it") as raised:
        store.read("raw_events", DAY)
    assert str(path) in str(raised.value)
    if damage.stop is not None:  # the end of the file tells how many rows it has
        with pytest.raises(StorageError, match="Delete it"):
            store.rows("raw_events", DAY)


def test_damage_in_the_middle_of_a_file_is_an_error_of_the_storage_too(store: FrameStore) -> None:
    store.write("raw_events", DAY, pd.concat([EVENTS] * 500, ignore_index=True))
    path = store.path("raw_events", DAY)
    content = bytearray(path.read_bytes())
    content[4:200] = b"\xff" * 196
    path.write_bytes(bytes(content))
    with pytest.raises(StorageError):
        store.read("raw_events", DAY)


def test_what_else_lies_in_a_folder_is_no_day(store: FrameStore) -> None:
    store.write("raw_events", DAY, EVENTS)
    folder = Path(str(store.path("raw_events", DAY).parent))
    for name in ("notes.parquet", ".2025-01-07.parquet.12.tmp", "2025-01-08.png", "2025-01-09"):
        (folder / name).write_bytes(b"")
    assert store.days("raw_events") == {DAY}
    assert store.days("nothing") == set()


def test_what_a_killed_process_left_is_swept_when_its_day_is_written_again(
    store: FrameStore,
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    path = store.path("raw_events", DAY)
    path.parent.mkdir(parents=True)
    host = socket.gethostname()
    leftover = path.with_name(f".{path.name}.{host}.{ended.pid}.tmp")
    of_a_living_one = path.with_name(f".{path.name}.{host}.{os.getppid()}.tmp")
    of_another_host = path.with_name(f".{path.name}.pod-7.{ended.pid}.tmp")
    for half_written in (leftover, of_a_living_one, of_another_host):
        half_written.write_bytes(b"half")
    store.write("raw_events", DAY, EVENTS)
    assert not leftover.exists()
    assert of_a_living_one.exists()
    assert of_another_host.exists()


def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "2025-01-06.parquet"
    path.write_bytes(b"old")
    program = (
        "import resource, signal, sys\n"
        "from upath import UPath\n"
        "from sales_assets.adapters.files.frames import StorageError, write_bytes\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    write_bytes(UPath(sys.argv[1]), b'x' * 5000)\n"
        "except StorageError as error:\n    print(error)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    ).stdout
    assert "Could not write" in told
    assert "nothing half-written stays" in told
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_disk_without_space_is_told_apart() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here: the error of a full disk cannot be provoked")
    with pytest.raises(PassingStorageError, match="The disk is full: free some space"):
        write_bytes(FullDisk("/data/2025-01-06.parquet"), b"x")  # type: ignore[arg-type]


class FullDisk:
    """An object store's path whose disk is full, by the system's own error."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name

    def write_bytes(self, content: bytes) -> None:
        Path("/dev/full").write_bytes(content)


class Failing:
    """The path of a mounted folder, or of an object store, that fails with an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def write_bytes(self, _: bytes) -> None:
        raise self.error


def of_system(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (of_system(errno.ENOTCONN), "not connected"),
        (of_system(errno.ESTALE), "Stale"),
        (of_system(errno.ETIMEDOUT), "timed out"),
        (of_system(errno.EHOSTDOWN), "Host is down"),
        (of_system(errno.EHOSTUNREACH), "No route"),
        (of_system(errno.ECONNRESET), "reset"),
        (TimeoutError("the store gave no answer"), "gave no answer"),
        (of_system(errno.EDQUOT), "The quota is used up"),
        (of_system(errno.EBUSY), "busy"),
        (of_system(errno.EIO), "Input/output"),
    ],
)
def test_a_storage_that_is_full_or_away_is_told_apart(error: Exception, told: str) -> None:
    with pytest.raises(PassingStorageError, match=told):
        write_bytes(Failing(error), b"x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EACCES, "the right to write there, or set SALES_ASSETS_STORAGE"),
        (errno.EROFS, "read-only: set SALES_ASSETS_STORAGE"),
        (errno.ENAMETOOLONG, "Check SALES_ASSETS_STORAGE and start again"),
    ],
)
def test_what_does_not_pass_is_told_with_what_to_do(number: int, advice: str) -> None:
    with pytest.raises(StorageError, match=advice) as raised:
        write_bytes(Failing(of_system(number)), b"x")  # type: ignore[arg-type]
    assert not isinstance(raised.value, PassingStorageError)


@pytest.mark.parametrize("base", ["/proc/nowhere", "/dev/null/x"])
def test_a_folder_that_cannot_be_written_is_named_with_the_setting(base: str) -> None:
    with pytest.raises(StorageError, match="SALES_ASSETS_STORAGE") as raised:
        FrameStore(base).write("raw_events", DAY, EVENTS)
    assert base in str(raised.value)
    assert not isinstance(raised.value, PassingStorageError)


def test_an_object_store_that_is_away_is_told_apart(distant_store: DistantStore) -> None:
    store = FrameStore(distant_store.folder)
    with pytest.raises(PassingStorageError, match=f"Could not list {distant_store.folder}"):
        store.days("raw_events")
    with pytest.raises(PassingStorageError):
        store.written_at("raw_events", DAY)
    distant_store.open()
    store.write("raw_events", DAY, EVENTS)
    assert store.days("raw_events") == {DAY}


def test_a_storage_whose_driver_is_not_there_is_refused_at_once() -> None:
    with pytest.raises(StorageError, match="nowhere://bucket"):
        FrameStore("nowhere://bucket")


def test_another_file_system_than_the_disk_serves_as_well() -> None:
    store = FrameStore("memory://frames-test")
    store.write("raw_events", DAY, EVENTS)
    pd.testing.assert_frame_equal(store.read("raw_events", DAY), EVENTS)
    assert store.days("raw_events") == {DAY}
    assert store.days("clean_events") == set()
    with pytest.raises(MissingDayError):
        store.read("clean_events", DAY)


def test_an_address_of_the_disk_is_a_folder_with_whole_files(tmp_path: Path) -> None:
    store = FrameStore(f"file://{tmp_path / 'new'}")
    store.write("raw_events", DAY, EVENTS)
    assert isinstance(store.base, Path)
    assert store.days("raw_events") == {DAY}


def test_a_file_is_written_over_whole(tmp_path: Path) -> None:
    path = UPath(tmp_path / "new" / "file.json")
    for content in (b"first", b"second"):
        write_bytes(path, content)
        assert path.read_bytes() == content
    assert [one.name for one in path.parent.iterdir()] == ["file.json"]


def test_a_fault_of_the_program_is_none_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_bytes(UPath(tmp_path / "file.json"), "a text")  # type: ignore[arg-type]
