"""Text as Telegram reads it: HTML with its few tags, lengths in UTF-16 code units."""

import html
import re
from dataclasses import dataclass, field
from typing import Any

from sales_assets_tests.fake_telegram.refusals import bad_request

KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
}
TAG_NAME = re.compile(r"[^\s>]*")
ATTRIBUTE = re.compile(
    r"""\s*(?P<name>[^\s=>]+)(?:\s*=\s*(?P<value>"[^"]*"|'[^']*'|[A-Za-z0-9.\-]+))?(?=[\s>])"""
)
REFERENCE = re.compile(r"&(?:#x[0-9a-fA-F]{1,7}|#[0-9]{1,8}|lt|gt|amp|quot);?")
COMMAND = re.compile(r"(?<!\S)/[A-Za-z0-9_]{1,32}(?:@[A-Za-z0-9_]{3,32})?")


@dataclass
class Formatted:
    """A text with its entities, offsets in UTF-16 code units."""

    text: str
    entities: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Opened:
    """A start tag that waits for its end."""

    tag: str
    attributes: dict[str, str]
    offset: int


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def format_text(text: str, parse_mode: str | None, given: list[dict[str, Any]] | None) -> Formatted:
    """What the server keeps of a text: parsed, trimmed; a wrong tag is a refusal."""
    if parse_mode and parse_mode.lower() == "html":
        return trim(HtmlReader(text).read())
    if parse_mode:
        raise bad_request("unsupported parse_mode")
    return trim(Formatted(text, given or []))


def trim(formatted: Formatted) -> Formatted:
    """White space at both ends is dropped, as the server does."""
    left = utf16_length(formatted.text) - utf16_length(formatted.text.lstrip())
    text = formatted.text.strip()
    size = utf16_length(text)
    kept = (shift(entity, left, size) for entity in formatted.entities)
    return Formatted(text, [entity for entity in kept if entity["length"] > 0])


def shift(entity: dict[str, Any], left: int, size: int) -> dict[str, Any]:
    start = max(entity["offset"] - left, 0)
    end = min(entity["offset"] + entity["length"] - left, size)
    return {**entity, "offset": start, "length": end - start}


def commands(text: str) -> list[dict[str, Any]]:
    """The bot_command entities that the server finds in what a user typed."""
    return [
        {
            "type": "bot_command",
            "offset": utf16_length(text[: match.start()]),
            "length": utf16_length(match[0]),
        }
        for match in COMMAND.finditer(text)
    ]


class HtmlReader:
    """Telegram's own reading of HTML; its complaints count bytes of the UTF-8 text."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0
        self.plain: list[str] = []
        self.units = 0
        self.opened: list[Opened] = []
        self.entities: list[dict[str, Any]] = []

    def read(self) -> Formatted:
        while self.position < len(self.source):
            self.step()
        if self.opened:
            tag = self.opened[-1].tag
            raise complaint(f'Can\'t find end tag corresponding to start tag "{tag}"')
        self.entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
        return Formatted("".join(self.plain), self.entities)

    def step(self) -> None:
        if self.source.startswith("</", self.position):
            self.end_tag()
        elif self.source[self.position] == "<":
            self.start_tag()
        elif reference := REFERENCE.match(self.source, self.position):
            self.keep(html.unescape(reference[0].rstrip(";") + ";"), reference.end())
        else:
            self.keep(self.source[self.position], self.position + 1)

    def keep(self, text: str, position: int) -> None:
        self.plain.append(text)
        self.units += utf16_length(text)
        self.position = position

    def byte_offset(self, position: int) -> int:
        return len(self.source[:position].encode())

    def start_tag(self) -> None:
        begin = self.byte_offset(self.position)
        name = TAG_NAME.match(self.source, self.position + 1)
        if name is None or name.end() == len(self.source):
            raise complaint(f"Unclosed start tag at byte offset {begin}")
        tag = name[0].lower()
        if tag not in KINDS:
            raise complaint(f'Unsupported start tag "{tag}" at byte offset {begin}')
        attributes, end = self.attributes(name.end(), begin)
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise complaint(f'Tag "span" must have class "tg-spoiler" at byte offset {begin}')
        self.opened.append(Opened(tag, attributes, self.units))
        self.position = end

    def attributes(self, position: int, begin: int) -> tuple[dict[str, str], int]:
        found: dict[str, str] = {}
        while match := ATTRIBUTE.match(self.source, position):
            found[match["name"].lower()] = html.unescape((match["value"] or "").strip("\"'"))
            position = match.end()
        rest = self.source[position:].lstrip()
        if not rest.startswith(">"):
            raise complaint(f"Unclosed start tag at byte offset {begin}")
        return found, len(self.source) - len(rest) + 1

    def end_tag(self) -> None:
        begin = self.byte_offset(self.position)
        if not self.opened:
            raise complaint(f"Unexpected end tag at byte offset {begin}")
        close = self.source.find(">", self.position)
        if close < 0:
            raise complaint(f"Unclosed end tag at byte offset {begin}")
        name = self.source[self.position + 2 : close].strip().lower()
        expected = self.opened[-1].tag
        if name and name != expected:
            raise complaint(
                f'Unmatched end tag at byte offset {begin}, expected "</{expected}>", '
                f'found "</{name}>"'
            )
        self.close(self.opened.pop())
        self.position = close + 1

    def close(self, opened: Opened) -> None:
        length = self.units - opened.offset
        if length > 0:
            entity = {"type": kind_of(opened), "offset": opened.offset, "length": length}
            self.entities.append(entity | self.argument(opened))

    def argument(self, opened: Opened) -> dict[str, str]:
        if opened.tag == "a":
            return {"url": opened.attributes.get("href", "")}
        if opened.tag == "tg-emoji":
            return {"custom_emoji_id": opened.attributes.get("emoji-id", "")}
        return {}


def kind_of(opened: Opened) -> str:
    """A quotation that is shown folded is a kind of its own."""
    kind = KINDS[opened.tag]
    return (
        f"expandable_{kind}"
        if opened.tag == "blockquote" and "expandable" in opened.attributes
        else kind
    )


def complaint(text: str) -> Exception:
    return bad_request(f"can't parse entities: {text}")
