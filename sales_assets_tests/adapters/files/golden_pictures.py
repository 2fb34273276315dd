"""Writes the golden pictures and the contact sheet: run it after looking at every picture."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from sales_assets.adapters.files.rendering import png_of, render_svg
from sales_assets.core.report.picture import picture_spec
from sales_assets.core.report.report import build_report
from sales_assets_tests.core.report.report_days import named_days

GOLDEN = Path(__file__).parent / "golden"
IMAGES = Path(__file__).parents[3] / "docs" / "images"
#: A fourth of the picture: a letter is still eight pixels high.
REDUCED_WIDTH = 320
COLORS = 64
#: What a chief may meet, as a phone shows it: in points of a screen, on either theme of the chat.
TOLD = (
    "alarm",
    "continuing",
    "back",
    "flow",
    "handling",
    "short_history",
    "not_counted_process",
    "ends_early",
    "broken_as_a_rule",
)
PHONE_WIDTH = 390
COLUMNS = 3
GAP = 16
TELEGRAM_LIGHT, TELEGRAM_DARK = "#d6e3ec", "#0e1621"


def reduced(picture: Image.Image) -> Image.Image:
    """Scale to the width of the golden files."""
    return _scaled(picture, REDUCED_WIDTH, Image.Resampling.BOX)


def contact_sheet(pictures: list[Image.Image]) -> Image.Image:
    """Lay the pictures out in rows at a phone's size, on the light theme and on the dark one."""
    shown = [_scaled(picture, PHONE_WIDTH, Image.Resampling.LANCZOS) for picture in pictures]
    rows = [shown[i : i + COLUMNS] for i in range(0, len(shown), COLUMNS)]
    heights = [max(picture.height for picture in row) + GAP for row in rows]
    width = COLUMNS * (PHONE_WIDTH + GAP) + GAP
    sheet = Image.new("RGB", (2 * width, sum(heights) + GAP))
    for theme, color in enumerate((TELEGRAM_LIGHT, TELEGRAM_DARK)):
        sheet.paste(color, (theme * width, 0, (theme + 1) * width, sheet.height))
        for row, pictures_in_row in enumerate(rows):
            for column, picture in enumerate(pictures_in_row):
                left = theme * width + GAP + column * (PHONE_WIDTH + GAP)
                sheet.paste(picture, (left, GAP + sum(heights[:row])))
    return sheet


def main() -> None:
    """Render every named day, at its full size, and keep it reduced and with few colours."""
    GOLDEN.mkdir(exist_ok=True)
    IMAGES.mkdir(parents=True, exist_ok=True)
    told = {}
    for name, inputs in named_days().items():
        png = png_of(render_svg(picture_spec(build_report(inputs))))
        with Image.open(BytesIO(png)) as picture:
            whole = picture.convert("RGB")
        if name in TOLD:
            told[name] = whole
        if name == "alarm":
            _few_colors(whole).save(IMAGES / "report.png", optimize=True)
        _few_colors(reduced(whole)).save(GOLDEN / f"{name}.png", optimize=True)
    sheet = contact_sheet([told[name] for name in TOLD])
    _few_colors(sheet).save(IMAGES / "contact_sheet.png", optimize=True)


def _scaled(picture: Image.Image, width: int, by: Image.Resampling) -> Image.Image:
    height = round(picture.height * width / picture.width)
    return picture.convert("RGB").resize((width, height), by)


def _few_colors(picture: Image.Image) -> Image.Image:
    return picture.quantize(COLORS, Image.Quantize.MAXCOVERAGE)


if __name__ == "__main__":
    main()
