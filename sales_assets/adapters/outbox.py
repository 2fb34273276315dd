"""Messages as files, where no bot token is set: a transport like Telegram, into a folder."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from sales_assets.adapters.files.whole import write_whole
from sales_assets.core.delivery.messages import Message
from sales_assets.core.delivery.rows import OUTBOX_CHAT, OUTBOX_NAME, Answer, Outcome, Place
from sales_assets.core.errors import SalesAssetsError

#: A folder counts no messages; an edit finds its file by day, label and place.
_MESSAGE_ID = 1


class Outbox:
    """Writes each message as `<folder>/<day>/<label>-<place>` with .png, .html and .json.

    A message sent twice, or edited, is written over: the folder shows what a chat would show.
    Each file is whole or not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *fault: object) -> None:
        """Close nothing."""

    async def send(self, place: Place, message: Message) -> Answer:
        """Write `message`; `SalesAssetsError` if it can't be written: nothing counts as sent."""
        chat = OUTBOX_NAME if place.chat == OUTBOX_CHAT else str(place.chat)
        thread = f"-{place.thread}" if place.thread else ""
        stem = f"{message.label.replace(':', '-')}-{chat}{thread}"
        base = self._folder / message.day.isoformat() / stem
        try:
            if message.file is not None:
                write_whole(base.with_suffix(".png"), message.file)
            write_whole(base.with_suffix(".html"), message.html.encode())
            write_whole(base.with_suffix(".json"), _as_json(message))
        except OSError as error:
            raise SalesAssetsError(
                f"Cannot write {base} to the outbox: {error.strerror}. Make the folder writable "
                "and free some space, or set SALES_ASSETS_TELEGRAM_BOT_TOKEN to send instead."
            ) from error
        return Answer(Outcome.SENT, message_id=_MESSAGE_ID)

    async def edit(self, place: Place, message_id: int, message: Message) -> Answer:
        """Write the report over, with its new content."""
        del message_id
        return await self.send(place, message)


def _as_json(message: Message) -> bytes:
    shown: Mapping[str, Any] = {
        "day": message.day.isoformat(),
        "kind": message.label,
        "caption_html": message.html,
        "media": message.media,
        "silent": message.is_silent,
        "buttons": [[asdict(button) for button in row] for row in message.buttons],
    }
    return json.dumps(shown, ensure_ascii=False, indent=2).encode()
