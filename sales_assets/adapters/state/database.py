"""The state database: its tables, its engine, and how several processes open it at once."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    create_engine,
    event,
    false,
    text,
)
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sales_assets.adapters.files.whole import write_whole
from sales_assets.adapters.telegram.secrecy import hidden, secrets_of, shown_url
from sales_assets.core.errors import SalesAssetsError

#: The newest migration; a test keeps it equal to the folder's head.
NEWEST_REVISION = "0004"
#: The file under `var` that remembers which state is used.
WITNESS = "state.id"
#: How long a process waits for another one's transaction.
BUSY_SECONDS = 15.0
#: Names the migration's lock among the advisory locks of a Postgres database.
_MIGRATION_LOCK = 4_871_090_845
_WRITING_LOCK = 4_871_090_846
_LOCK_NOT_AVAILABLE = "55P03"
_WRITE_ALONE = text("select set_config('lock_timeout', :wait, true), pg_advisory_xact_lock(:key)")
_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}


class StateError(SalesAssetsError):
    """The state database cannot be used."""


class StateLockedError(StateError):
    """Another process locked the state database for longer than the time-out."""


class UtcDateTime(TypeDecorator[datetime]):
    """Aware instants: stored in UTC, read as aware UTC; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return `value` in UTC; SQLite keeps no zone, so it gets none."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; the state stores instants")
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored instant, aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The tables that the migrations build."""

    metadata = MetaData(naming_convention=_NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy declares it so
        datetime: UtcDateTime(),
        date: Date(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
    }


class DeliveryRow(Base):
    """The ledger: what one chat gets for one report day, and how far that is."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("report_day", "kind", "subject", "chat", "thread"),
        CheckConstraint(
            "state in ('planned', 'sending', 'sent', 'failed', 'unknown')", name="state"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    report_day: Mapped[date]
    kind: Mapped[str] = mapped_column(String(10))
    subject: Mapped[str] = mapped_column(String(64), default="")
    chat: Mapped[int] = mapped_column(BigInteger)
    thread: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(10), index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    claims: Mapped[int] = mapped_column(default=0)
    doubts: Mapped[int] = mapped_column(default=0)
    owner: Mapped[str | None] = mapped_column(String(80))
    lease_until: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    file_id: Mapped[str | None] = mapped_column(Text)
    media: Mapped[str | None] = mapped_column(String(10))
    content_sha256: Mapped[str | None] = mapped_column(String(64))
    previous_sha256: Mapped[str | None] = mapped_column(String(64))
    possible_duplicate: Mapped[bool] = mapped_column(default=False)
    by_hand: Mapped[bool] = mapped_column(default=False)
    notice: Mapped[dict[str, Any] | None]
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Subscription(Base):
    """Who gets the report: a chat, or one topic of it."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        UniqueConstraint("chat", "thread"),
        CheckConstraint("state in ('active', 'asleep', 'pending')", name="state"),
        CheckConstraint("doubt_policy in ('repeat', 'hold')", name="doubt_policy"),
        CheckConstraint("sound in ('always', 'news', 'never')", name="sound"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    chat: Mapped[int] = mapped_column(BigInteger)
    thread: Mapped[int] = mapped_column(BigInteger, default=0)
    chat_type: Mapped[str] = mapped_column(String(20))
    title: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(Text)
    doubt_policy: Mapped[str] = mapped_column(String(10), default="repeat")
    sound: Mapped[str] = mapped_column(String(10), default="news")
    shows_clients: Mapped[bool] = mapped_column(default=False)
    requested_by: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Invite(Base):
    """A single-use invitation; the state knows its hash alone."""

    __tablename__ = "invites"

    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_by: Mapped[int | None] = mapped_column(BigInteger)
    used_at: Mapped[datetime | None]


class BotOffset(Base):
    """The next update that a bot asks for, by the bot's public id."""

    __tablename__ = "bot_offsets"

    bot_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    next_update_id: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[datetime]


class BotUpdate(Base):
    """An update that was processed, failed so far, or was passed over.

    `replies` is what the bot still owes for a processed one; null once all of it is sent.
    `fingerprint` tells a repeat from another update that got the same number.
    """

    __tablename__ = "bot_updates"
    __table_args__ = (
        CheckConstraint("state in ('processed', 'failing', 'passed_over')", name="state"),
    )

    bot_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(12))
    failures: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str | None] = mapped_column(Text)
    replies: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    updated_at: Mapped[datetime]


class StateIdentity(Base):
    """One row: which state this is. It is made with the tables and never changes."""

    __tablename__ = "state_identity"

    identity: Mapped[str] = mapped_column(String(32), primary_key=True)


class SentContent(Base):
    """What was sent for a day, version by version: `/report` and corrections read it."""

    __tablename__ = "sent_contents"

    report_day: Mapped[date] = mapped_column(primary_key=True)
    content_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    caption_html: Mapped[str] = mapped_column(Text)
    verdict: Mapped[str] = mapped_column(Text)
    numbers: Mapped[list[Any]] = mapped_column(JSON)
    notes: Mapped[list[str]]
    file_id: Mapped[str | None] = mapped_column(Text)
    media: Mapped[str | None] = mapped_column(String(10))
    created_at: Mapped[datetime]
    is_neutral: Mapped[bool] = mapped_column(server_default=false())


class StateDatabase:
    """The state database, opened; `reading()` and `writing()` are its transactions.

    A writing transaction takes a lock at its start, so that what it read is still so when it
    writes: SQLite's write lock, on Postgres an advisory one.
    """

    def __init__(self, engine: Engine, busy_seconds: float, lost: str | None) -> None:
        #: Says that this is another state than the one used before, and what to do; or None.
        self.lost = lost
        self._readers = engine.execution_options(sqlite_begin="BEGIN DEFERRED")
        self._writers = engine
        self._busy_seconds = busy_seconds

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session for reading; nothing it does is kept."""
        with _told_plainly(self._readers.url), Session(self._readers) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yield a session whose changes are committed together, or not at all."""
        with (
            _told_plainly(self._writers.url),
            Session(self._writers, expire_on_commit=False) as session,
            session.begin(),
        ):
            connection = session.connection()  # SQLAlchemy would begin with the first statement
            if connection.dialect.name == "postgresql":
                milliseconds = f"{self._busy_seconds * 1000:.0f}"
                connection.execute(_WRITE_ALONE, {"key": _WRITING_LOCK, "wait": milliseconds})
            yield session

    def close(self) -> None:
        """Give the connections back."""
        self._writers.dispose()


def open_state(
    url: str, *, busy_seconds: float = BUSY_SECONDS, witness: Path | None = None
) -> StateDatabase:
    """Open the state at the SQLAlchemy `url` and bring its tables to the newest revision.

    Any number of processes may do so at once: one migrates, the others wait. A missing SQLite
    file is made, its folder too. `postgresql://` means psycopg2. `witness` is a file that remembers
    which state was used: where it is another one now, `StateDatabase.lost` says so.

    Raises:
        StateError: the URL, the folder or the server is not usable; no password is shown.
    """
    parsed = _parsed_url(url)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    if is_sqlite:
        _make_folder(parsed)
        engine = create_engine(parsed, connect_args={"timeout": busy_seconds})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(parsed, pool_pre_ping=True)
    with ExitStack() as if_it_fails, _told_plainly(parsed):
        if_it_fails.callback(engine.dispose)
        if is_sqlite:
            _use_wal(engine, busy_seconds)
        _migrate(engine)
        lost = _compare_with(witness, engine) if witness is not None else None
        if_it_fails.pop_all()
    return StateDatabase(engine, busy_seconds, lost)


def _compare_with(witness: Path, engine: Engine) -> str | None:
    """Return what to say where `witness` remembers another state; else let it remember this one."""
    with engine.execution_options(sqlite_begin="BEGIN DEFERRED").connect() as connection:
        identity = str(connection.execute(text("select identity from state_identity")).scalar())
    try:
        if not witness.exists():
            write_whole(witness, identity.encode())
        if witness.read_text().strip() == identity:
            return None
    except OSError as error:
        raise StateError(
            f"Cannot keep in {witness} which state database is used: {error.strerror}. "
            "Make the folder writable, or choose another one with SALES_ASSETS_VAR."
        ) from error
    return (
        f"The state database at {shown_url(engine.url)} is not the one that was used before: its "
        "file was deleted, or SALES_ASSETS_STATE_URL leads elsewhere, and readers are missing. "
        f"Bring the old one back; or, if the new one is meant, delete {witness}."
    )


def _parsed_url(url: str) -> URL:
    with suppress(ArgumentError, NoSuchModuleError, ImportError, ValueError):
        parsed = make_url(url)
        # SQLAlchemy 2.1 reads a bare postgresql:// as psycopg 3; the product ships psycopg2.
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg2")
        parsed.get_dialect().import_dbapi()
        if parsed.get_backend_name() in ("postgresql", "sqlite"):
            return parsed
    raise StateError(
        "SALES_ASSETS_STATE_URL is not an SQLAlchemy URL of SQLite or Postgres with a driver "
        "that is installed; expected something like sqlite:///var/state.db or "
        "postgresql://user:password@host:5432/database."
    )


def _make_folder(url: URL) -> None:
    if not url.database or url.database == ":memory:":
        raise StateError(
            "The state database needs a file that several processes share; expected something "
            "like sqlite:///var/state.db in SALES_ASSETS_STATE_URL."
        )
    if url.database.startswith("file:"):
        return  # SQLite's own URI, which names its file by itself
    folder = Path(url.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(
            f"Cannot make the folder {folder} for the state database: {error.strerror}. "
            "Make it writable, or choose another folder with SALES_ASSETS_STATE_URL."
        ) from error


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own transactions begin too late; `_begin_sqlite` begins them.
    connection.isolation_level = None
    # A delivery that was committed must outlive a power cut, or it is sent again.
    connection.execute("PRAGMA synchronous=FULL")


def _begin_sqlite(connection: Connection) -> None:
    begin = connection.get_execution_options().get("sqlite_begin", "BEGIN IMMEDIATE")
    connection.exec_driver_sql(begin)


def _use_wal(engine: Engine, busy_seconds: float) -> None:
    """Switch the file to write-ahead logging; SQLite does not wait for a lock here by itself."""
    give_up_at = time.monotonic() + busy_seconds
    while True:
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up_at:
                raise OperationalError("PRAGMA journal_mode=WAL", None, error) from error
        else:
            return
        finally:
            connection.close()
        time.sleep(0.05)


def _migrate(engine: Engine) -> None:
    """Bring the tables to the newest revision, one process at a time."""
    revision = text("select version_num from alembic_version")
    with engine.execution_options(sqlite_begin="BEGIN DEFERRED").connect() as connection:
        has_tables = connection.dialect.has_table(connection, "alembic_version")
        if has_tables and connection.execute(revision).scalar() == NEWEST_REVISION:
            return
    from alembic import command

    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        config = migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def migration_config() -> Any:
    """Return alembic's configuration for the migrations that the package carries."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@contextmanager
def _told_plainly(url: URL) -> Iterator[None]:
    """Turn a database's fault into a sentence, without the password and without the statement."""
    try:
        yield
    except DataError as error:  # a value that it cannot hold, as SQLite's driver says it, too
        raise ValueError(hidden(str(error.orig).strip(), secrets_of(url))) from None
    except (DBAPIError, sqlite3.Error) as error:
        shown, origin = shown_url(url), getattr(error, "orig", None)
        cause = hidden(str(origin or error).strip(), secrets_of(url))
        # A server says it in its own language.
        is_refused_lock = getattr(origin, "pgcode", None) == _LOCK_NOT_AVAILABLE
        if is_refused_lock or "database is locked" in cause:
            raise StateLockedError(
                f"The state database {shown} is locked by another process. Wait for it, or stop "
                "the program that keeps a transaction open, and start again."
            ) from None
        raise StateError(
            f"The state database {shown} cannot be used: {cause}. Check SALES_ASSETS_STATE_URL, "
            "that its file or server exists and may be written."
        ) from None
