"""The rendered picture: the shipped font, the same bytes, and how it has looked so far.

After a wanted change of the picture, look at every day's picture, then write the golden files and
the contact sheet anew: `python -m sales_assets_tests.adapters.files.golden_pictures`.
"""

from hashlib import sha256
from importlib.resources import files
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageFont

from sales_assets.adapters.files.rendering import png_of, render_svg
from sales_assets.core.report.page import WIDTH, text_width
from sales_assets.core.report.picture import picture_spec
from sales_assets.core.report.report import build_report
from sales_assets_tests.adapters.files.golden_pictures import GOLDEN, reduced
from sales_assets_tests.core.report import report_days as days

DAYS = days.named_days()
FONTS = files("sales_assets.adapters.files") / "fonts"
#: Of 255; the palette of the golden files alone makes 1.
MEAN_TOLERANCE = 2.0
#: The share of pixels that may be plainly different: a hinting of one edge, not a moved text.
PIXELS_TOLERANCE = 0.002


def rendered(name: str) -> bytes:
    return png_of(render_svg(picture_spec(build_report(DAYS[name]))))


def is_alike(picture: Image.Image, golden: Image.Image) -> bool:
    if picture.size != golden.size:
        return False
    one = np.asarray(picture.convert("RGB"), dtype=float)
    other = np.asarray(golden.convert("RGB"), dtype=float)
    difference = np.abs(one - other).max(axis=2)
    is_close = difference.mean() <= MEAN_TOLERANCE
    return bool(is_close and (difference > 48).mean() <= PIXELS_TOLERANCE)


@pytest.mark.parametrize("name", DAYS)
def test_a_picture_looks_as_it_did(name: str) -> None:
    png = rendered(name)
    with Image.open(BytesIO(png)) as picture, Image.open(GOLDEN / f"{name}.png") as golden:
        assert picture.format == "PNG"
        assert picture.width == WIDTH
        assert is_alike(reduced(picture), golden)
    assert len(png) < 10_000_000


def test_the_comparison_sees_one_changed_number() -> None:
    with (
        Image.open(GOLDEN / "alarm.png") as one,
        Image.open(GOLDEN / "corrected.png") as other,
    ):
        assert not is_alike(one, other)


def test_the_same_input_gives_the_same_bytes() -> None:
    assert rendered("alarm") == rendered("alarm")
    assert rendered("alarm") != rendered("corrected")


def test_a_picture_stays_readable_as_telegram_compresses_it() -> None:
    """JPEG at quality 80 moves no pixel far where it counts: after scaling to a phone."""
    with Image.open(BytesIO(rendered("alarm"))) as picture:
        compressed = BytesIO()
        picture.convert("RGB").save(compressed, "JPEG", quality=80)
        with Image.open(compressed) as jpeg:
            one = np.asarray(reduced(picture).convert("RGB"), dtype=float)
            other = np.asarray(reduced(jpeg).convert("RGB"), dtype=float)
    assert np.abs(one - other).mean() < 2


@pytest.mark.parametrize(("weight", "is_bold"), [("Regular", False), ("Bold", True)])
def test_texts_are_measured_as_wide_as_the_shipped_font_draws_them(
    weight: str, *, is_bold: bool
) -> None:
    font = ImageFont.truetype(str(FONTS / f"SalesReportSans-{weight}.otf"), 100)
    for text in ("Отдел продаж · сб, 12 февраля", "12\u00a0345 из 65\u00a0432 ▲▼ ↳ → ₽ №", "№1"):
        drawn = font.getlength(text, features=["-kern"])
        assert text_width(text, 100, is_bold=is_bold) == pytest.approx(drawn, rel=0.01)


def test_the_font_ships_with_its_licence_and_its_origin() -> None:
    assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / "OFL.txt").read_text()
    assert "Inter" in (FONTS / "README.md").read_text()


def test_the_shipped_font_is_the_one_that_draws() -> None:
    """Its family is nobody else's, and what is drawn with it differs from any fallback."""
    spec = picture_spec(build_report(DAYS["ordinary"]))
    assert "Sales Report Sans" in str(spec)
    other = png_of(render_svg(_with_font(spec, "No Such Font")))
    assert sha256(other).digest() != sha256(rendered("ordinary")).digest()


def _with_font(spec: dict, font: str) -> dict:
    layers = [
        layer | {"mark": layer["mark"] | ({"font": font} if "font" in layer["mark"] else {})}
        for layer in spec["layer"]
    ]
    return spec | {"layer": layers}
