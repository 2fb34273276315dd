"""What surrounds a source on trial: roles, locks, other encodings, poolers, an object store."""

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from unittest.mock import patch

import psycopg2
from psycopg2 import sql

from sales_assets_tests.base_source import make_base
from sales_assets_tests.distant_store import DistantStore
from sales_assets_tests.faults.source_trial import PASSWORD, Surroundings, Trial
from sales_assets_tests.sources import drop_database, execute

URL = "SALES_ASSETS_SOURCE_URL"


def reader(rights: str = "", settings: str = "") -> Surroundings:
    """A role that may read everything, but for `rights` (SQL; $READER is its name)."""

    @contextmanager
    def around(trial: Trial) -> Iterator[Mapping[str, str]]:
        name = f"reader_of_{trial.database}"[:60]
        statements = f"""
        DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}';
        GRANT USAGE ON SCHEMA public TO {name};
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name};
        {rights.replace("$READER", name).replace("$DATABASE", trial.database)}
        """
        execute(trial.url, statements.replace("%", "%%"))
        try:
            yield {URL: trial.url.replace("postgres@", f"{name}:{PASSWORD}@") + settings}
        finally:
            execute(trial.url, f"DROP OWNED BY {name}; DROP ROLE {name}")

    return around


def locked(*statements: str) -> Surroundings:
    """A session that runs `statements` and leaves its transaction open; each of more waits."""

    @contextmanager
    def around(trial: Trial) -> Iterator[Mapping[str, str]]:
        sessions = [
            psycopg2.connect(trial.url, application_name="nightly load") for _ in statements
        ]

        def run(session: psycopg2.extensions.connection, statement: str) -> None:
            with suppress(psycopg2.Error), session.cursor() as cursor:
                cursor.execute(statement)

        threads = [
            threading.Thread(target=run, args=one, daemon=True)
            for one in zip(sessions, statements, strict=True)
        ]
        for thread in threads:
            thread.start()
            time.sleep(0.3)
        try:
            yield {}
        finally:
            for session in sessions:
                session.cancel()
            for thread in threads:
                thread.join()
            for session in sessions:
                session.close()

    return around


def encoded(encoding: str, change: str = "") -> Surroundings:
    """BASE in a database of another encoding."""

    @contextmanager
    def around(trial: Trial) -> Iterator[Mapping[str, str]]:
        drop_database(trial.server, trial.database)
        with closing(psycopg2.connect(trial.server.url())) as connection:
            connection.autocommit = True
            statement = "CREATE DATABASE {} ENCODING {} LOCALE 'C' TEMPLATE template0"
            with connection.cursor() as cursor:
                cursor.execute(
                    sql.SQL(statement).format(sql.Identifier(trial.database), sql.Literal(encoding))
                )
        make_base(f"{trial.url}&client_encoding=UTF8", trial.day, trial.placed(change))
        yield {}

    return around


@contextmanager
def copied(trial: Trial) -> Iterator[Mapping[str, str]]:
    """The same rows in a database of another name."""
    name = f"{trial.database}_copy"
    try:
        yield {URL: trial.server.ensure_database(name, trial.database)}
    finally:
        drop_database(trial.server, name)


def filled(*folders: str) -> Surroundings:
    """Files where folders should be, in the trial's folder."""

    @contextmanager
    def around(trial: Trial) -> Iterator[Mapping[str, str]]:
        for name in folders:
            path = trial.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("a file")
        yield {}

    return around


# --- Poolers --------------------------------------------------------------------------------


def refusing(words: str, state: str = "08P01", sslmode: str = "disable") -> Surroundings:
    """A server, or a pooler before it, that answers each start of a session with an error."""
    said = f"SFATAL\0VFATAL\0C{state}\0M{words}\0\0".encode()
    message = b"E" + struct.pack("!i", len(said) + 4) + said

    @contextmanager
    def around(_: Trial) -> Iterator[Mapping[str, str]]:
        with _serving(lambda client: _refuse(client, message)) as port:
            yield {URL: f"postgresql://reader:{PASSWORD}@127.0.0.1:{port}/crm?sslmode={sslmode}"}

    return around


def _refuse(client: socket.socket, message: bytes) -> None:
    _startup(client)
    client.sendall(message)


def _startup(client: socket.socket) -> bytes:
    """Take the first packet of a session; encryption is declined."""
    while True:
        (length,) = struct.unpack("!i", _exactly(client, 4))
        body = _exactly(client, length - 4)
        if struct.unpack("!i", body[:4])[0] not in (80877103, 80877104):  # SSL, GSS
            return struct.pack("!i", length) + body
        client.sendall(b"N")


def _exactly(client: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = client.recv(count - len(received))
        if not part:
            raise ConnectionError
        received += part
    return received


@contextmanager
def _serving(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))

    def one(client: socket.socket) -> None:
        with client, suppress(OSError, struct.error):
            serve(client)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=one, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@contextmanager
def pooled(trial: Trial) -> Iterator[Mapping[str, str]]:
    """A pooler in transaction mode: each transaction of a session goes to another connection.

    What a session has set or prepared outside a transaction is lost with it, as pgbouncer does.
    """
    host = trial.url.split("host=")[1].split("&")[0]

    def serve(client: socket.socket) -> None:
        start = _startup(client)
        servers = [_server(host, start) for _ in range(2)]
        client.sendall(servers[0][1])
        _relay(client, [server for server, _ in servers])

    with _serving(serve) as port:
        yield {URL: f"postgresql://postgres@127.0.0.1:{port}/{trial.database}?sslmode=disable"}


def _server(host: str, start: bytes) -> tuple[socket.socket, bytes]:
    server = socket.socket(socket.AF_UNIX)
    server.connect(f"{host}/.s.PGSQL.5432")
    server.sendall(start)
    greeting = b""
    while True:
        kind, message = _message(server)
        greeting += message
        if kind == b"Z":
            return server, greeting


def _message(server: socket.socket) -> tuple[bytes, bytes]:
    head = _exactly(server, 5)
    body = _exactly(server, struct.unpack("!i", head[1:])[0] - 4)
    return head[:1], head + body


def _relay(client: socket.socket, servers: list[socket.socket]) -> None:
    """Pass messages on; when the server is idle again, the next one takes over."""
    turn = 0
    while True:
        kind, message = _message(client)
        if kind == b"X":
            return
        server = servers[turn]
        server.sendall(message)
        if kind not in (b"Q", b"S"):
            continue
        while True:
            answered, answer = _message(server)
            client.sendall(answer)
            if answered == b"Z":
                if answer[5:6] == b"I":
                    turn = (turn + 1) % len(servers)
                break


# --- An object store ------------------------------------------------------------------------


@contextmanager
def object_store() -> Iterator[str]:
    """An S3 server of its own; the environment of this process and its children points there.

    Yields the address of a folder in it.
    """
    store = DistantStore()
    with patch.dict(os.environ, store.environment):
        store.open()
        try:
            yield store.folder
        finally:
            store.close()


@contextmanager
def stored_in_s3(_: Trial) -> Iterator[Mapping[str, str]]:
    """The frames and the reports are in an object store."""
    with object_store() as folder:
        yield {"SALES_ASSETS_STORAGE": folder}
