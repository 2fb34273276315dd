"""The picture: the verdict, then every part in its place, then what must be known of the data."""

from typing import Any

from sales_assets.core.report.page import (
    ALARM,
    BODY_SIZE,
    CONTENT,
    CUT,
    MARGIN,
    MORE_SIGN,
    PAPER,
    RULE,
    Block,
    Box,
    Text,
    chart_spec,
    fitting_size,
    gap,
    small_lines,
    stacked,
    wrapped,
)
from sales_assets.core.report.part import VerdictKind
from sales_assets.core.report.report import Report, set_aside_note
from sales_assets.core.report.wording import titled_day
from sales_assets.core.russian import report as ru

TITLE_SIZE = 50
VERDICT_SIZES = (46, 42, 38, 36)
BANNER_INDENT = 28


def picture_spec(report: Report) -> dict[str, Any]:
    """Return the Vega-Lite specification of the report's picture, 1280 pixels wide.

    The parts in a fixed order under the title and the verdict; a part that could not be computed
    keeps its room and says so.
    """
    return chart_spec(picture(report))


def picture(report: Report) -> Block:
    """Lay the picture out."""
    title = ru.TITLE.format(day=titled_day(report.about.day))
    heading = Block((Text(MARGIN, 50, title, TITLE_SIZE, "bold"),), 72)
    has_banner = report.verdict.kind is VerdictKind.ALARM or report.about.is_cut
    blocks = [gap(28), heading, _banner(report) if has_banner else _plain_verdict(report)]
    for kind, part in report.parts.items():
        if not kind.IS_ADDED:
            blocks.append(Block((Box(MARGIN, 18, CONTENT, 2, RULE),), 38))
        blocks.append(kind.absence_block(report.about) if part is None else part.block())
    notes = small_lines([set_aside_note(report.quality), *report.footnotes], below=0)
    return stacked([*blocks, notes, gap(24)])


def _banner(report: Report) -> Block:
    """Set the story in white on a strip: seen at arm's length, and without its colour too.

    Dark red is an alarm; a day that is cut has a strip without judgement.
    """
    said = report.verdict
    color = CUT if report.about.is_cut else ALARM
    width = CONTENT - 2 * BANNER_INDENT
    lines, size = _verdict_lines(said.headline, width)
    extra = wrapped(said.detail, width, BODY_SIZE) if said.detail else []
    height = 52 * len(lines) + 46 * len(extra) + 36
    strip = Box(MARGIN, 8, CONTENT, height, color)
    left = MARGIN + BANNER_INDENT
    texts = [Text(left, 69 + 52 * i, line, size, "bold", PAPER) for i, line in enumerate(lines)]
    top = 66 + 52 * len(lines)
    below = [Text(left, top + 44 * i, line, BODY_SIZE, color=PAPER) for i, line in enumerate(extra)]
    return Block((strip, *texts, *below), height + 12)


def _plain_verdict(report: Report) -> Block:
    sign = f"{MORE_SIGN} " if report.verdict.kind is VerdictKind.GOOD else ""
    lines, size = _verdict_lines(f"{sign}{report.verdict.text}", CONTENT)
    texts = [Text(MARGIN, 46 + 52 * i, line, size, "bold") for i, line in enumerate(lines)]
    return Block(tuple(texts), 52 * len(lines) + 14)


def _verdict_lines(text: str, width: float) -> tuple[list[str], float]:
    size = fitting_size(text, width, VERDICT_SIZES, is_bold=True)
    return wrapped(text, width, size, is_bold=True), size
