"""The chats as a folder: a file for each message, pictures and documents beside them."""

import json
import threading
from pathlib import Path

from sales_assets_tests.fake_telegram.world import Chat, Json, StoredFile, World


class Mirror:
    """Writes each message, new or edited, under `<folder>/<chat id>/<message id>…`."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder
        self.lock = threading.Lock()

    def write(self, chat: Chat, message: Json) -> None:
        place = self.folder / str(chat.chat_id)
        name = f"{message['message_id']:06d}"
        with self.lock:
            place.mkdir(parents=True, exist_ok=True)
            text = json.dumps(message, ensure_ascii=False, indent=2)
            (place / f"{name}.json").write_text(text, encoding="utf-8")
            file = file_of(self.world, message)
            if file is not None:
                (place / f"{name}_{Path(file.name).name}").write_bytes(file.content)


def file_of(world: World, message: Json) -> StoredFile | None:
    """The file that the message shows: the largest size of a photo, or the document."""
    sizes = message.get("photo") or [message.get("document", {})]
    return world.files.get(sizes[-1].get("file_id", ""))
