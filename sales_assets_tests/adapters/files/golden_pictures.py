"""Writes the golden pictures and the contact sheet: run it after looking at every picture."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from sales_assets.adapters.files.rendering import render_png
from sales_assets.core.report.picture import picture_spec
from sales_assets.core.report.report import build_report
from sales_assets_tests.core.report.report_days import named_days

GOLDEN = Path(__file__).parent / "golden"
IMAGES = Path(__file__).parents[3] / "docs" / "images"
#: A fourth of the picture: a letter is still eight pixels high.
REDUCED_WIDTH = 320
COLORS = 64
COLUMNS = 5
GAP = 16
TELEGRAM_DARK = "#0e1621"


def reduced(picture: Image.Image) -> Image.Image:
    """Scale to the width of the golden files."""
    height = round(picture.height * REDUCED_WIDTH / picture.width)
    return picture.convert("RGB").resize((REDUCED_WIDTH, height), Image.Resampling.BOX)


def contact_sheet(pictures: list[Image.Image]) -> Image.Image:
    """Lay the pictures out in rows, half of them on white and half as in the dark theme."""
    rows = [pictures[i : i + COLUMNS] for i in range(0, len(pictures), COLUMNS)]
    heights = [max(picture.height for picture in row) + GAP for row in rows]
    width = COLUMNS * (REDUCED_WIDTH + GAP) + GAP
    sheet = Image.new("RGB", (width, sum(heights) + GAP), "white")
    sheet.paste(TELEGRAM_DARK, (0, sum(heights[: len(rows) // 2]) + GAP // 2, *sheet.size))
    for row, pictures_in_row in enumerate(rows):
        for column, picture in enumerate(pictures_in_row):
            left = GAP + column * (REDUCED_WIDTH + GAP)
            sheet.paste(picture, (left, GAP + sum(heights[:row])))
    return sheet


def main() -> None:
    """Render every named day, at its full size, and keep it reduced and with few colours."""
    GOLDEN.mkdir(exist_ok=True)
    IMAGES.mkdir(parents=True, exist_ok=True)
    pictures = []
    for name, inputs in named_days().items():
        png = render_png(picture_spec(build_report(inputs)))
        with Image.open(BytesIO(png)) as picture:
            pictures.append(reduced(picture))
            if name == "alarm":
                _few_colors(picture.convert("RGB")).save(IMAGES / "report.png", optimize=True)
        _few_colors(pictures[-1]).save(GOLDEN / f"{name}.png", optimize=True)
    _few_colors(contact_sheet(pictures)).save(IMAGES / "contact_sheet.png", optimize=True)


def _few_colors(picture: Image.Image) -> Image.Image:
    return picture.quantize(COLORS, Image.Quantize.MAXCOVERAGE)


if __name__ == "__main__":
    main()
