"""Messages as files, where no bot token is set: the same way as to Telegram, ending in a folder."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from sales_assets.core.delivery.messages import Message
from sales_assets.core.delivery.rules import OUTBOX_CHAT, OUTBOX_NAME, Answer
from sales_assets.core.errors import SalesAssetsError

#: A folder counts no messages; an edit finds its file by day, kind and chat.
_MESSAGE_ID = 1


class OutboxError(SalesAssetsError):
    """The outbox folder cannot be written."""


class OutboxTransport:
    """Writes each message as `<folder>/<day>/<kind>-<chat>` with .png, .html and .json.

    A message sent twice, or edited, is written over: the folder shows what a chat would show.
    Each file is whole or not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __aenter__(self) -> Self:
        """Open nothing: a file is opened when it is written."""
        return self

    async def __aexit__(self, *fault: object) -> None:
        """Close nothing."""

    async def send(self, chat: int, thread: int, message: Message) -> Answer:
        """Write `message`.

        Raises:
            OutboxError: the folder cannot be written; nothing counts as sent.
        """
        return self._write(_stem(message.kind, chat, thread), message)

    async def edit(self, chat: int, message_id: int, message: Message) -> Answer:
        """Write the report over, with its new content."""
        del message_id
        kind = message.kind.replace("edit:", "continuation:").replace("edit", "report")
        return self._write(_stem(kind, chat, 0), message)

    def _write(self, stem: str, message: Message) -> Answer:
        base = self._folder / message.day.isoformat() / stem
        try:
            base.parent.mkdir(parents=True, exist_ok=True)
            if message.picture is not None:
                write_whole(base.with_suffix(".png"), message.picture)
            write_whole(base.with_suffix(".html"), message.html.encode())
            write_whole(base.with_suffix(".json"), _as_json(message))
        except OSError as error:
            raise OutboxError(
                f"Cannot write {base} to the outbox: {error.strerror}. Make the folder writable "
                "and free some space, or set SALES_ASSETS_TELEGRAM_BOT_TOKEN to send instead."
            ) from error
        return Answer(200, json.dumps({"ok": True, "result": {"message_id": _MESSAGE_ID}}).encode())


def outbox_files(folder: Path, day: str) -> list[Path]:
    """Return the files that stand for the messages of `day`, by name."""
    return sorted((folder / day).glob("*.*"))


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` under `path` so that no reader ever sees a part of it."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _stem(kind: str, chat: int, thread: int) -> str:
    name = OUTBOX_NAME if chat == OUTBOX_CHAT else str(chat)
    place = f"{name}-{thread}" if thread else name
    return f"{kind.replace(':', '-')}-{place}"


def _as_json(message: Message) -> bytes:
    shown: Mapping[str, Any] = {
        "day": message.day.isoformat(),
        "kind": message.kind,
        "caption_html": message.html,
        "media": message.media,
        "silent": message.is_silent,
        "buttons": [[vars(button) for button in row] for row in message.buttons],
    }
    return json.dumps(shown, ensure_ascii=False, indent=2).encode()
