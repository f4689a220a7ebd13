"""Writing SVG: elements with escaped text, and numbers as people write them."""

from html import escape

PLACES = 2
"""Decimals of coordinates: a hundredth of a pixel."""


def element(name: str, *inside: str, **attributes: object) -> str:
    """An element. `class_` is written `class`, `stroke_width` `stroke-width`; None leaves an attribute out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{given}>{''.join(inside)}</{name}>" if inside else f"<{name}{given}/>"


def words(content: str) -> str:
    """Text inside an element."""
    return escape(content, quote=False)


def number(value: float) -> str:
    """A value with three significant digits, and no more: 6, 2.67, 13.4, 1,250."""
    if abs(value) >= 1000:  # noqa: PLR2004  # from here on, digits behind the point say nothing
        return f"{value:,.0f}"
    return f"{value:.3g}".replace("-", "−")


def _value(value: object) -> str:
    return f"{round(value, PLACES):g}" if isinstance(value, float) else str(value)
