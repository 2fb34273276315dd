"""Bytes that go wrong: a TCP proxy that cuts, stalls, truncates, garbles and resets by plan."""

import asyncio
import contextlib
import re
import socket
import struct
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

LOOPBACK = "127.0.0.1"
BLOCK = 65536
HEADERS_END = b"\r\n\r\n"
REQUEST_LINE = re.compile(rb"[A-Z]+ \S*?/(?P<method>[A-Za-z]+)(?:\?\S*)? HTTP/1\.[01]\r\n")
GARBAGE = bytes(range(128, 256))

Side = Literal["connect", "request", "answer"]
After = Literal["nothing", "headers", "body"]
End = Literal["close", "reset", "stall", "garble"]


@dataclass(frozen=True)
class Plan:
    """One spoiled exchange.

    `side`: where it goes wrong: at the connect, in the request, or in the answer;
    `after`: what still passes there: nothing, the headers, or the headers and `body_bytes`;
    `end`: a clean close, a reset (RST), silence until the client gives up, or garbage bytes
    in place of the rest. With `method`, it waits for a request to that Bot API method.
    """

    side: Side
    after: After = "nothing"
    end: End = "close"
    body_bytes: int = 16
    method: str | None = None


class Cut(Exception):  # noqa: N818 - the plan's end, not an error
    """The exchange has reached the place where its plan ends it."""


class Wire:
    """A proxy in front of a port on loopback; passes bytes on unless a plan says otherwise."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = 0
        self.plans: list[Plan] = []
        self.exchanges: list[tuple[str, Plan | None]] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.url}/bot"

    def plan(self, *plans: Plan) -> None:
        """Order further spoiled exchanges; each is used once, in order, where it fits."""
        with self.lock:
            self.plans += plans

    def take(self, side: str, method: str | None) -> Plan | None:
        with self.lock:
            for plan in self.plans:
                if (plan.side == "connect") == (side == "connect") and fits(plan, method):
                    self.plans.remove(plan)
                    return plan
        return None

    def refuse(self) -> None:
        """Close the port: connections are refused until `listen`; open ones go on."""
        asyncio.run_coroutine_threadsafe(self.stop_listening(), self.loop).result(10)

    def listen(self) -> None:
        """Open the same port again."""
        asyncio.run_coroutine_threadsafe(self.start_listening(), self.loop).result(10)

    # Start and end

    def __enter__(self) -> Self:
        self.ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()), name="wire")
        self.thread.start()
        self.ready.wait(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.thread.join(10)

    async def serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.stopping = asyncio.Event()
        self.links: set[asyncio.Task[None]] = set()
        await self.start_listening()
        self.ready.set()
        await self.stopping.wait()
        await self.stop_listening()
        for link in self.links:
            link.cancel()
        await asyncio.gather(*self.links, return_exceptions=True)

    async def start_listening(self) -> None:
        self.listener = socket.create_server((LOOPBACK, self.port), backlog=128)
        self.listener.setblocking(False)  # noqa: FBT003 - the socket module's own form
        self.port = self.listener.getsockname()[1]
        self.accepting = asyncio.create_task(self.accept())

    async def stop_listening(self) -> None:
        self.accepting.cancel()
        await asyncio.gather(self.accepting, return_exceptions=True)
        self.listener.close()

    async def accept(self) -> None:
        while True:
            client, _ = await self.loop.sock_accept(self.listener)
            link = asyncio.create_task(self.run_link(client))
            self.links.add(link)
            link.add_done_callback(self.links.discard)

    # One connection

    async def run_link(self, client: socket.socket) -> None:
        """Serve one connection; a target that does not answer is a closed connection."""
        with contextlib.suppress(OSError):
            await self.serve_link(client)

    async def serve_link(self, client: socket.socket) -> None:
        client.setblocking(False)  # noqa: FBT003 - the socket module's own form
        with contextlib.closing(client):
            plan = self.take("connect", None)
            if plan is not None:
                self.exchanges.append(("", plan))
                return await self.end(plan, client)
            with contextlib.closing(socket.socket()) as server:
                server.setblocking(False)  # noqa: FBT003 - the socket module's own form
                await self.loop.sock_connect(server, (LOOPBACK, self.target_port))
                await Link(self, client, server).run()
        return None

    async def end(self, plan: Plan, client: socket.socket) -> None:
        """End the client's connection as planned; the caller closes the socket."""
        if plan.end == "stall":
            await self.until_gone(client)
        elif plan.end == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def until_gone(self, client: socket.socket) -> None:
        """Read and drop until the client gives up."""
        with contextlib.suppress(OSError):
            while await self.loop.sock_recv(client, BLOCK):
                pass


class Link:
    """The two directions of one connection, and the exchange that runs on it now."""

    def __init__(self, wire: Wire, client: socket.socket, server: socket.socket) -> None:
        self.wire = wire
        self.client = client
        self.server = server
        self.plan: Plan | None = None
        self.request = Gate()
        self.answer = Gate()
        self.is_answered = True

    async def run(self) -> None:
        """Pass bytes both ways until one side ends, or the plan does."""
        tasks = [asyncio.create_task(self.upstream()), asyncio.create_task(self.downstream())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            failures = [task.exception() for task in done]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self.plan is not None and any(isinstance(error, Cut) for error in failures):
            await self.wire.end(self.plan, self.client)

    async def upstream(self) -> None:
        with contextlib.suppress(OSError):
            while data := await self.wire.loop.sock_recv(self.client, BLOCK):
                if self.is_answered:
                    self.begin()
                await self.send_request(data)

    def begin(self) -> None:
        """The first bytes after an answer are a new request: clients don't pipeline."""
        self.plan = None
        self.is_answered = False
        self.request = Gate()
        self.answer = Gate()

    async def send_request(self, data: bytes) -> None:
        """Hold the headers back until they are whole, so that the plan is known before."""
        is_new = not self.request.headers_passed
        self.request.buffer(data)
        if is_new and self.request.headers_passed:
            self.choose()
        if self.request.headers_passed:
            await self.forward(self.request, self.server, "request")

    def choose(self) -> None:
        found = REQUEST_LINE.match(self.request.waiting)
        method = found["method"].decode() if found else ""
        self.plan = self.wire.take("exchange", method)
        self.wire.exchanges.append((method, self.plan))

    async def downstream(self) -> None:
        with contextlib.suppress(OSError):
            while data := await self.wire.loop.sock_recv(self.server, BLOCK):
                self.is_answered = True
                self.answer.buffer(data)
                if self.answer.headers_passed:
                    await self.forward(self.answer, self.client, "answer")

    async def forward(self, gate: "Gate", target: socket.socket, side: Side) -> None:
        """Send on what the plan lets pass on this side; raise Cut where it ends."""
        data, gate.waiting = gate.waiting, b""
        if self.plan is None or self.plan.side != side:
            await self.wire.loop.sock_sendall(target, data)
            return
        passed = data[: max(0, gate.allowed(self.plan) - gate.sent)]
        gate.sent += len(passed)
        if self.plan.end == "garble":
            await self.wire.loop.sock_sendall(target, passed + garbage(len(data) - len(passed)))
            return
        await self.wire.loop.sock_sendall(target, passed)
        if len(passed) < len(data) or gate.sent == gate.allowed(self.plan):
            raise Cut


class Gate:
    """One message on its way: what waits, what went on, and where its headers end."""

    def __init__(self) -> None:
        self.waiting = b""
        self.sent = 0
        self.headers_size = 0

    @property
    def headers_passed(self) -> bool:
        return self.headers_size > 0

    def buffer(self, data: bytes) -> None:
        self.waiting += data
        if not self.headers_size and HEADERS_END in self.waiting:
            self.headers_size = self.waiting.index(HEADERS_END) + len(HEADERS_END)

    def allowed(self, plan: Plan) -> int:
        """How many bytes of the message pass under the plan."""
        if plan.after == "nothing":
            return 0
        return self.headers_size + (plan.body_bytes if plan.after == "body" else 0)


def fits(plan: Plan, method: str | None) -> bool:
    return plan.method is None or (method or "").lower() == plan.method.lower()


def garbage(size: int) -> bytes:
    return (GARBAGE * (size // len(GARBAGE) + 1))[:size]
