"""From a chart's specification to the bytes of a picture, with the shipped font alone."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import as_file, files
from typing import Any

#: The signs between thousands and before decimals, should a chart ever format a number itself.
LOCALE = "ru-RU"


def render_png(spec: Mapping[str, Any], scale: float = 1.0) -> bytes:
    """Return the picture as PNG; the same specification gives the same bytes."""
    import vl_convert

    _register_shipped_font()
    return vl_convert.vegalite_to_png(
        dict(spec), scale=scale, format_locale=LOCALE, time_format_locale=LOCALE
    )


@cache
def _register_shipped_font() -> None:
    import vl_convert

    with as_file(files("sales_assets.adapters.files") / "fonts") as folder:
        vl_convert.register_font_directory(str(folder))
