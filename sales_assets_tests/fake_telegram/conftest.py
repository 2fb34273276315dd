"""The fake, fresh for each test of it, and clients that nobody here wrote."""

import asyncio
import io
import ssl
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
import telegram
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.base import BaseSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.methods import TelegramMethod
from aiohttp import TCPConnector
from PIL import Image
from telegram.request import HTTPXRequest

from sales_assets_tests.fake_telegram.server import FakeTelegram

# Reading the world's certificates takes 40 ms a client, and nothing here speaks TLS.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class QuickSession(AiohttpSession):
    """aiogram's session without TLS: no certificates at the start, no pause at the end."""

    def __init__(self, api: TelegramAPIServer, timeout: float = 10.0) -> None:
        BaseSession.__init__(self, api, timeout=timeout)
        self._session = None
        self._proxy = None
        self._connector_type = TCPConnector
        self._connector_init = {}
        self._should_reset_connector = True

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


@pytest.fixture
def fake() -> Iterator[FakeTelegram]:
    with FakeTelegram() as running:
        yield running


def http_get(url: str, **options: Any) -> httpx.Response:
    return httpx.get(url, verify=NO_TLS, **options)


def http_post(url: str, **options: Any) -> httpx.Response:
    return httpx.post(url, verify=NO_TLS, **options)


def picture(width: int = 60, height: int = 90) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(target, "PNG")
    return target.getvalue()


def aiogram_call(
    url: str, token: str, *methods: TelegramMethod[Any], seconds: float = 10.0
) -> list[Any]:
    """What aiogram's own client makes of the answers."""

    async def run() -> list[Any]:
        session = QuickSession(api=TelegramAPIServer.from_base(url), timeout=seconds)
        async with Bot(token, session=session) as bot:
            return [await bot(method) for method in methods]

    return asyncio.run(run())


def ptb_call(
    fake: FakeTelegram, act: Callable[[telegram.Bot], Awaitable[Any]], url: str | None = None
) -> Any:
    """What python-telegram-bot's client makes of the answers."""

    async def run() -> Any:
        base_url = f"{url}/bot" if url else fake.base_url
        request = HTTPXRequest(read_timeout=2.0, httpx_kwargs={"verify": NO_TLS})
        async with request:
            bot = telegram.Bot(
                fake.token,
                base_url,
                base_file_url=fake.base_file_url,
                request=request,
                get_updates_request=request,
            )
            return await act(bot)

    return asyncio.run(run())
