"""The fake, fresh for each test of it, and clients that nobody here wrote."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import telegram
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.methods import TelegramMethod
from PIL import Image
from telegram.request import HTTPXRequest

from sales_assets_tests.fake_telegram.server import FakeTelegram


class QuickSession(AiohttpSession):
    """aiogram's session without its pause for TLS at the end."""

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


@pytest.fixture
def fake() -> Iterator[FakeTelegram]:
    with FakeTelegram() as running:
        yield running


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
        request = HTTPXRequest(read_timeout=2.0)
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
