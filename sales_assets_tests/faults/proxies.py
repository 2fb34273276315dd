"""A proxy with a password on loopback: HTTP (CONNECT and forwarding) and SOCKS5 on one port."""

import base64
import contextlib
import re
import socket
import struct
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
HEADERS_END = b"\r\n\r\n"
SOCKS_VERSION, WITH_PASSWORD, NOTHING_FITS = 5, 2, 255
REFUSAL = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)
HOP_HEADERS = (b"proxy-authorization", b"proxy-connection", b"connection", b"keep-alive")


class TurnedAway(Exception):  # noqa: N818 - an answer of the proxy, not a fault of it
    """The client is not let through."""


@dataclass
class Proxy:
    """Serves in threads until the block ends; `passed` lists the addresses that it reached."""

    user: str = "reports"
    password: str = "Proxy-Passw0rd-Of-The-Tests"  # noqa: S105 - belongs to no proxy
    passed: list[tuple[str, int]] = field(default_factory=list)
    refused: int = 0

    def __enter__(self) -> Self:
        self.listener = socket.create_server((LOOPBACK, 0), backlog=64)
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A blocked accept is not woken by close alone.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def url(self, scheme: str = "http", password: str | None = None) -> str:
        """The setting's value: http://… or socks5://…, with the right password or another."""
        return f"{scheme}://{self.user}:{password or self.password}@{LOOPBACK}:{self.port}"

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=[client], daemon=True).start()

    def serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, TurnedAway):
            first = client.recv(1, socket.MSG_PEEK)
            is_socks = first == bytes([SOCKS_VERSION])
            server, waiting = self.enter_socks(client) if is_socks else self.enter_http(client)
            with server:
                server.sendall(waiting)
                pump(client, server)

    def reach(self, host: str, port: int) -> socket.socket:
        self.passed.append((host, port))
        return socket.create_connection((host, port), 10)

    def turn_away(self, client: socket.socket, answer: bytes) -> None:
        self.refused += 1
        client.sendall(answer)
        # Closing on unread bytes resets the connection, and the answer may be lost with it.
        client.settimeout(1)
        with contextlib.suppress(OSError):
            while client.recv(65536):
                pass
        raise TurnedAway

    # HTTP

    def enter_http(self, client: socket.socket) -> tuple[socket.socket, bytes]:
        received = receive_until(client, HEADERS_END)
        head, _, body = received.partition(HEADERS_END)
        first, *headers = head.split(b"\r\n")
        if self.authorization() not in headers_of(headers, b"proxy-authorization"):
            self.turn_away(client, REFUSAL)
        method, target, version = first.split(b" ")
        if method == b"CONNECT":
            host, port = target.decode().rsplit(":", 1)
            server = self.reach(host, int(port))
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            return server, body
        url = urlsplit(target.decode())
        path = f"{url.path}?{url.query}" if url.query else url.path
        kept = [line for line in headers if name_of(line) not in HOP_HEADERS]
        # One exchange a connection: what follows need not be parsed.
        lines = [b" ".join([method, path.encode(), version]), *kept, b"Connection: close"]
        server = self.reach(url.hostname or "", url.port or 80)
        return server, b"\r\n".join(lines) + HEADERS_END + body

    def authorization(self) -> bytes:
        return b"Basic " + base64.b64encode(f"{self.user}:{self.password}".encode())

    # SOCKS5, RFC 1928 and 1929

    def enter_socks(self, client: socket.socket) -> tuple[socket.socket, bytes]:
        _, count = receive(client, 2)
        if WITH_PASSWORD not in receive(client, count):
            self.turn_away(client, bytes([SOCKS_VERSION, NOTHING_FITS]))
        client.sendall(bytes([SOCKS_VERSION, WITH_PASSWORD]))
        _, size = receive(client, 2)
        user = receive(client, size)
        password = receive(client, receive(client, 1)[0])
        if (user.decode(), password.decode()) != (self.user, self.password):
            self.turn_away(client, b"\x01\x01")
        client.sendall(b"\x01\x00")
        server = self.reach(*socks_target(client))
        client.sendall(bytes([SOCKS_VERSION, 0, 0, 1]) + bytes(6))
        return server, b""


def socks_target(client: socket.socket) -> tuple[str, int]:
    _, _, _, kind = receive(client, 4)
    if kind == 1:
        host = socket.inet_ntoa(receive(client, 4))
    elif kind == 3:
        host = receive(client, receive(client, 1)[0]).decode()
    else:
        host = socket.inet_ntop(socket.AF_INET6, receive(client, 16))
    return host, struct.unpack("!H", receive(client, 2))[0]


def headers_of(lines: list[bytes], name: bytes) -> list[bytes]:
    return [line.partition(b":")[2].strip() for line in lines if name_of(line) == name]


def name_of(line: bytes) -> bytes:
    return re.split(rb"\s*:", line, maxsplit=1)[0].lower()


def receive(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        part = connection.recv(size - len(received))
        if not part:
            raise TurnedAway
        received += part
    return received


def receive_until(connection: socket.socket, end: bytes) -> bytes:
    received = b""
    while end not in received:
        part = connection.recv(65536)
        if not part:
            raise TurnedAway
        received += part
    return received


def pump(client: socket.socket, server: socket.socket) -> None:
    """Pass bytes both ways until both sides have ended."""
    upward = threading.Thread(target=copy, args=[client, server], daemon=True)
    upward.start()
    copy(server, client)
    upward.join(60)


def copy(source: socket.socket, target: socket.socket) -> None:
    """Pass bytes one way; at the end of one side nothing more goes to the other."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for side in (source, target):
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
