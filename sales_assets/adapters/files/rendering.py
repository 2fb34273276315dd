"""From a chart's specification to the bytes of a picture, with the shipped font alone."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import as_file, files
from typing import Any

#: The signs between thousands and before decimals, should a chart ever format a number itself.
LOCALE = "ru-RU"


def render_svg(spec: Mapping[str, Any]) -> str:
    """Return the picture as SVG, from which PNG of any size are made."""
    import vl_convert

    _register_shipped_font()
    return vl_convert.vegalite_to_svg(dict(spec), format_locale=LOCALE, time_format_locale=LOCALE)


def png_of(svg: str, scale: float = 1.0) -> bytes:
    """Return an SVG's picture as PNG; the same picture gives the same bytes."""
    import vl_convert

    return vl_convert.svg_to_png(svg, scale=scale)


@cache
def _register_shipped_font() -> None:
    import vl_convert

    with as_file(files("sales_assets.adapters.files") / "fonts") as folder:
        vl_convert.register_font_directory(str(folder))
