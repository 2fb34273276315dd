"""The table of columns in docs/assets.md; `python -m sales_assets_tests.frames_table` writes it."""

from pathlib import Path

from sales_assets.core.frames import FRAMES, Column, Frame

DOCUMENT = Path(__file__).parents[1] / "docs" / "assets.md"
START, END = "<!-- columns: of core/frames.py -->\n", "<!-- end of columns -->\n"


def table() -> str:
    """Every frame with its columns, as Markdown."""
    head = ["| asset | column | type | what it is |", "| --- | --- | --- | --- |"]
    rows = [row for frame in FRAMES.values() for row in _rows(frame)]
    return "\n".join([*head, *rows]) + "\n"


def _rows(frame: Frame) -> list[str]:
    first = f"| `{frame.asset}` | | | one row: {frame.row} |"
    return [first, *(_row(column) for column in frame.columns)]


def _row(column: Column) -> str:
    kind = f"{column.kind.value}, may be null" if column.nullable else column.kind.value
    unit = f"{column.unit}: " if column.unit else ""
    return f"| | `{column.name}` | {kind} | {unit}{column.meaning} |"


def written() -> str:
    """What the document says now."""
    return DOCUMENT.read_text().split(START)[1].split(END)[0]


if __name__ == "__main__":
    document = DOCUMENT.read_text()
    DOCUMENT.write_text(document.replace(written(), table()))
