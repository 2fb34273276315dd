"""One request to a method: its parameters and files, whatever the body's encoding."""

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web
from aiohttp.multipart import MultipartReader

from sales_assets_tests.fake_telegram.refusals import MAX_UPLOAD_BYTES, bad_request, too_large

MAX_BODY_BYTES = MAX_UPLOAD_BYTES + 1024 * 1024
TRUE_WORDS = frozenset({"true", "yes", "1"})


@dataclass
class Upload:
    """A file that came in a multipart body."""

    name: str
    content: bytes
    media_type: str


@dataclass
class Call:
    """A method with its parameters as they came."""

    method: str
    params: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str:
        value = self.params.get(name)
        if isinstance(value, str) or value is None:
            return value or ""
        return json.dumps(value)

    def integer(self, name: str, default: int = 0) -> int:
        digits = self.text(name).strip()
        return int(digits) if digits.lstrip("-").isdigit() else default

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in TRUE_WORDS

    def json(self, name: str, what: str) -> Any:
        """The JSON-serialised parameter; None where it is absent."""
        value = self.params.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {what} JSON object") from None

    def upload(self, name: str) -> Upload | None:
        """The file behind a parameter: sent under its name, or as attach://key."""
        value = self.params.get(name)
        return self.attached(value) if isinstance(value, str) else self.files.get(name)

    def attached(self, value: str) -> Upload | None:
        return self.files.get(value.removeprefix("attach://")) if is_attachment(value) else None


def is_attachment(value: str) -> bool:
    return value.startswith("attach://")


async def read_call(request: web.Request) -> Call:
    """The query and the body together; a body over the limit is 413 before it is read."""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise too_large()
    try:
        return await read_body(request)
    except (ValueError, web.RequestPayloadError, ConnectionError):
        raise bad_request("can't parse the request's body") from None


async def read_body(request: web.Request) -> Call:
    call = Call(request.match_info["method"], dict(request.query))
    if request.content_type == "multipart/form-data":
        await read_parts(call, await request.multipart())
    elif request.content_type == "application/json":
        call.params |= read_object(await request.read())
    elif request.content_type == "application/x-www-form-urlencoded":
        form = await request.post()
        call.params |= {name: value for name, value in form.items() if isinstance(value, str)}
    return call


def read_object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise bad_request("can't parse JSON object")
    return found


async def read_parts(call: Call, parts: MultipartReader) -> None:
    total = 0
    async for part in parts:
        if not isinstance(part, BodyPartReader):
            raise bad_request("nested multipart bodies are not supported")
        content = bytes(await part.read())
        total += len(content)
        if total > MAX_BODY_BYTES:
            raise too_large()
        keep_part(call, part, content)


def keep_part(call: Call, part: BodyPartReader, content: bytes) -> None:
    name = part.name or ""
    if part.filename is None:
        call.params[name] = content.decode()
    else:
        media_type = part.headers.get("Content-Type", "application/octet-stream")
        call.files[name] = Upload(part.filename, content, media_type)
