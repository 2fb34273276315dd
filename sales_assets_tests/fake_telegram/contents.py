"""What a message is made of: photos, documents, keyboards, within the service's limits."""

import base64
import hashlib
import io
from typing import Any

from PIL import Image, UnidentifiedImageError

from sales_assets_tests.fake_telegram.calls import Call, Upload, is_attachment
from sales_assets_tests.fake_telegram.entities import Formatted, format_text, utf16_length
from sales_assets_tests.fake_telegram.refusals import (
    MAX_CAPTION_UNITS,
    MAX_PHOTO_BYTES,
    MAX_TEXT_UNITS,
    MAX_UPLOAD_BYTES,
    bad_request,
    photo_too_big,
    too_large,
)
from sales_assets_tests.fake_telegram.world import Bot, Json, StoredFile, World

MAX_SIDES = 10_000
MAX_RATIO = 20
PHOTO_SIDES = (90, 320, 800, 1280)
MAX_BUTTONS = 100
MAX_CALLBACK_BYTES = 64
BUTTON_ACTIONS = frozenset(
    {
        "url",
        "callback_data",
        "web_app",
        "login_url",
        "switch_inline_query",
        "switch_inline_query_current_chat",
        "copy_text",
        "pay",
    }
)


def caption_of(source: dict[str, Any]) -> Json:
    """The caption fields of a message, from a call's or a media's caption fields."""
    formatted = formatted_of(source, "caption", "caption_entities")
    if utf16_length(formatted.text) > MAX_CAPTION_UNITS:
        raise bad_request("message caption is too long")
    if not formatted.text:
        return {}
    entities = {"caption_entities": formatted.entities} if formatted.entities else {}
    return {"caption": formatted.text, **entities}


def text_of(source: dict[str, Any]) -> Json:
    formatted = formatted_of(source, "text", "entities")
    if not formatted.text:
        raise bad_request("message text is empty")
    if utf16_length(formatted.text) > MAX_TEXT_UNITS:
        raise bad_request("message is too long")
    entities = {"entities": formatted.entities} if formatted.entities else {}
    return {"text": formatted.text, **entities}


def formatted_of(source: dict[str, Any], text_field: str, entities_field: str) -> Formatted:
    call = Call("", source)
    given = call.json(entities_field, "message entities")
    return format_text(call.text(text_field), source.get("parse_mode"), given)


def photo_of(world: World, bot: Bot, value: str, upload: Upload | None) -> Json:
    """A photo uploaded now, or one that the service has under a file_id."""
    if upload is None:
        return {"photo": known_file(world, bot, value, "photo").sizes}
    if len(upload.content) > MAX_PHOTO_BYTES:
        raise photo_too_big(len(upload.content))
    return {"photo": store_photo(world, bot, upload)}


def document_of(world: World, bot: Bot, value: str, upload: Upload | None) -> Json:
    if upload is None:
        return {"document": known_file(world, bot, value, "document").sizes[0]}
    if len(upload.content) > MAX_UPLOAD_BYTES:
        raise too_large()
    if not upload.content:
        raise bad_request("file must be non-empty")
    return {"document": store_document(world, bot, upload)}


MEDIA = {"photo": photo_of, "document": document_of}


def known_file(world: World, bot: Bot, value: str, kind: str) -> StoredFile:
    """The stored file behind a file_id of this bot and of this kind."""
    if not value:
        raise bad_request(f"there is no {kind} in the request")
    if is_attachment(value):
        raise bad_request("wrong file identifier/HTTP URL specified")
    file = world.files.get(value)
    if file is None or file.bot_id != bot.user.user_id:
        raise bad_request(wrong_identifier(value))
    if file.kind != kind:
        raise bad_request(f"can't use file of type {file.kind.title()} as {kind.title()}")
    return file


def wrong_identifier(value: str) -> str:
    if value.startswith(("http://", "https://")):
        return "failed to get HTTP URL content"
    if not value.replace("-", "").replace("_", "").isalnum():
        return "wrong remote file identifier specified: Wrong character in the string"
    return "wrong file identifier/HTTP URL specified"


def store_photo(world: World, bot: Bot, upload: Upload) -> list[Json]:
    """The sizes the service makes of a picture, smallest first; each has a file_id."""
    width, height = picture_size(upload)
    scales = [min(1.0, side / max(width, height)) for side in PHOTO_SIDES]
    shapes = sorted({(round(width * scale), round(height * scale)) for scale in scales})
    sizes: list[Json] = []
    for shape in shapes:
        file = new_file(world, bot, upload, "photo")
        file.sizes = sizes
        sizes.append(size_record(file, max(1, shape[0]), max(1, shape[1])))
    return sizes


def size_record(file: StoredFile, width: int, height: int) -> Json:
    return {
        "file_id": file.file_id,
        "file_unique_id": file.unique_id,
        "width": width,
        "height": height,
        "file_size": len(file.content),
    }


def picture_size(upload: Upload) -> tuple[int, int]:
    """Width and height; a file that is no picture, or of a wrong shape, is refused."""
    if not upload.content:
        raise bad_request("file must be non-empty")
    try:
        with Image.open(io.BytesIO(upload.content)) as picture:
            width, height = picture.size
            picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError):
        raise bad_request("IMAGE_PROCESS_FAILED") from None
    if width + height > MAX_SIDES or max(width, height) > MAX_RATIO * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return width, height


def store_document(world: World, bot: Bot, upload: Upload) -> Json:
    file = new_file(world, bot, upload, "document")
    record: Json = {
        "file_id": file.file_id,
        "file_unique_id": file.unique_id,
        "file_name": upload.name,
        "mime_type": upload.media_type,
        "file_size": len(upload.content),
    }
    file.sizes = [record]
    return record


def new_file(world: World, bot: Bot, upload: Upload, kind: str) -> StoredFile:
    number = world.next_number()
    prefix = "AgACAgIAAxkB" if kind == "photo" else "BQACAgIAAxkB"
    seed = f"{bot.user.user_id}/{number}".encode()
    file = StoredFile(
        file_id=prefix + letters(hashlib.sha512(seed).digest()),
        unique_id="AQAD" + letters(hashlib.sha256(seed).digest()[:9]),
        kind=kind,
        name=upload.name,
        content=upload.content,
        media_type=upload.media_type,
        bot_id=bot.user.user_id,
    )
    world.files[file.file_id] = file
    return file


def letters(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=").replace("-", "A")


def markup_of(call: Call) -> Json | None:
    """The inline keyboard of a call; other keyboards show nothing in the message."""
    markup = call.json("reply_markup", "reply keyboard markup") or {}
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" not in markup:
        return None
    rows = [[button_of(button) for button in row] for row in markup["inline_keyboard"] if row]
    if sum(len(row) for row in rows) > MAX_BUTTONS:
        raise bad_request("reply markup is too long")
    return {"inline_keyboard": rows} if rows else None


def button_of(button: Json) -> Json:
    if not button.get("text"):
        raise bad_request('can\'t parse inline keyboard button: Field "text" must be non-empty')
    if not BUTTON_ACTIONS & button.keys():
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    data = button.get("callback_data")
    if data is not None and not 0 < len(data.encode()) <= MAX_CALLBACK_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    return button
