"""The paper of the picture: texts and boxes at pixels, measured, stacked, turned into a chart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

from sales_assets.core.report.glyph_widths import REPLACEMENT, advances

#: The family of the font files that ship with the package.
FONT = "Sales Report Sans"
WIDTH = 1280
MARGIN = 56
CONTENT = WIDTH - 2 * MARGIN
RIGHT = WIDTH - MARGIN

#: On a screen 6 cm wide anything smaller cannot be read.
SMALLEST_TEXT = 29
SMALL_SIZE = 30
BODY_SIZE = 32
SECTION_SIZE = 38
LINE = 42

INK = "#16202b"
PAPER = "#ffffff"
#: Something is wrong. Never alone: a sign and bold type go with it.
ALARM = "#ad0d27"
#: Data are missing: no judgement.
CUT = "#44525f"
#: Bars that say how many.
BAR = "#5d7893"
PALE_BAR = "#a9bbcb"
MUTED = "#4f5b67"
RULE = "#dde3e9"
PANEL = "#f1f4f7"
#: Behind what is drawn: where the number usually lies.
USUAL_RANGE = "#e8eef3"
MORE_SIGN = "▲"
LESS_SIGN = "▼"
ELLIPSIS = "\u2026"
_MOST_LINES = 9
#: What the sheet's two layers draw.
BOXES, TEXTS = "boxes", "texts"


@dataclass(frozen=True)
class Text:
    """One line of text; `y` is its baseline, `align` says which end of it lies at `x`."""

    x: float
    y: float
    text: str
    size: float = 32
    weight: str = "normal"
    color: str = INK
    align: str = "left"

    @property
    def width(self) -> float:
        """The width in pixels, kerning left out."""
        return text_width(self.text, self.size, is_bold=self.weight == "bold")


@dataclass(frozen=True)
class Box:
    """A filled rectangle; `y` is its upper edge."""

    x: float
    y: float
    width: float
    height: float
    color: str


Mark = Text | Box


@dataclass(frozen=True)
class Block:
    """Marks that belong together, on a strip of paper of some height."""

    marks: tuple[Mark, ...]
    height: float


def text_width(text: str, size: float, *, is_bold: bool) -> float:
    """Measure `text` in the shipped font, in pixels."""
    widths = advances(is_bold=is_bold)
    return size * sum(widths.get(sign, widths[REPLACEMENT]) for sign in text)


def fitting_size(text: str, width: float, sizes: Sequence[float], *, is_bold: bool) -> float:
    """Return the first of `sizes` at which `text` fits into `width`, or the last one."""
    fitting = (size for size in sizes if text_width(text, size, is_bold=is_bold) <= width)
    return next(fitting, sizes[-1])


def wrapped(text: str, width: float, size: float, *, is_bold: bool = False) -> list[str]:
    """Break `text` at its spaces into at most nine lines that fit `width`; the rest is elided.

    No-break spaces hold. A single word that is too long is cut with an ellipsis.
    """
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, is_bold=is_bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    kept = lines[:_MOST_LINES]
    if len(lines) > _MOST_LINES:
        kept[-1] = f"{kept[-1]}{ELLIPSIS}"
    return [elided(line, width, size, is_bold=is_bold) for line in kept]


def elided(text: str, width: float, size: float, *, is_bold: bool) -> str:
    """Return `text`, cut with an ellipsis if it is wider than `width`."""
    if text_width(text, size, is_bold=is_bold) <= width:
        return text
    ends = range(len(text) - 1, 0, -1)
    cuts = (f"{text[:end].rstrip(' ,' + ELLIPSIS)}{ELLIPSIS}" for end in ends)
    fitting = (cut for cut in cuts if text_width(cut, size, is_bold=is_bold) <= width)
    return next(fitting, ELLIPSIS)


def stacked(blocks: Iterable[Block]) -> Block:
    """Put blocks one under the other."""
    marks: list[Mark] = []
    top = 0.0
    for block in blocks:
        marks += [replace(mark, y=mark.y + top) for mark in block.marks]
        top += block.height
    return Block(tuple(marks), top)


def gap(height: float) -> Block:
    """Leave paper free."""
    return Block((), height)


def section_title(text: str) -> Text:
    """Set the title of a part."""
    return Text(MARGIN, 34, text, SECTION_SIZE, "bold")


def small_text(x: float, y: float, text: str) -> Text:
    """Set small muted text: what explains the numbers."""
    return Text(x, y, text, SMALL_SIZE, color=MUTED)


def small_lines(texts: Iterable[str | None], *, below: float = 4) -> Block:
    """Stack small muted lines, `below` them some room; a long one is wrapped, an empty left out."""
    lines = [line for text in texts if text for line in wrapped(text, CONTENT, SMALL_SIZE)]
    marks = [small_text(MARGIN, 28 + 40 * i, line) for i, line in enumerate(lines)]
    return Block(tuple(marks), 40 * len(lines) + (below if lines else 0))


def panel(text: str) -> Block:
    """Say in the place of a part that it is not there."""
    lines = wrapped(text, CONTENT - 64, BODY_SIZE)
    height = 68 + LINE * len(lines)
    marks = [Text(MARGIN + 32, 62 + LINE * i, line, BODY_SIZE) for i, line in enumerate(lines)]
    return Block((Box(MARGIN, 0, CONTENT, height, PANEL), *marks), height)


def chart_spec(block: Block) -> dict[str, Any]:
    """Return the Vega-Lite specification of a white sheet with the block's marks.

    Signs that the shipped font lacks become boxes: otherwise the machine's fonts would be asked.
    """
    boxes = [
        {
            "x": round(box.x),
            "y": round(box.y),
            "x2": round(box.x + box.width),
            "y2": round(box.y + box.height),
            "color": box.color,
        }
        for box in block.marks
        if isinstance(box, Box)
    ]
    texts = [
        asdict(text) | {"x": round(text.x, 1), "y": round(text.y, 1), "text": _drawable(text.text)}
        for text in block.marks
        if isinstance(text, Text)
    ]
    return {
        **_empty_sheet(),
        "width": WIDTH,
        "height": round(block.height),
        "datasets": {BOXES: boxes, TEXTS: texts},
    }


@cache
def _empty_sheet() -> Mapping[str, Any]:
    """Describe a sheet by its grammar; the tests validate it, which takes longer than drawing."""
    import altair as alt

    x, y = alt.X("x:Q", scale=None, axis=None), alt.Y("y:Q", scale=None, axis=None)
    boxes = (
        alt.Chart(alt.NamedData(BOXES))
        .mark_rect()
        .encode(x=x, y=y, x2="x2:Q", y2="y2:Q", color=alt.Color("color:N", scale=None))
    )
    texts = (
        alt.Chart(alt.NamedData(TEXTS))
        .mark_text(
            font=FONT,
            baseline="alphabetic",
            align=alt.expr("datum.align"),
            fontWeight=alt.expr("datum.weight"),
        )
        .encode(
            x=x,
            y=y,
            text="text:N",
            size=alt.Size("size:Q", scale=None),
            color=alt.Color("color:N", scale=None),
        )
    )
    sheet = alt.layer(boxes, texts).properties(padding=0, background=PAPER)
    return sheet.configure_view(stroke=None).to_dict(validate=False)


def _drawable(text: str) -> str:
    known = advances(is_bold=False)
    return "".join(sign if sign in known else REPLACEMENT for sign in text)
