"""A whole picture: its size, its heading, and what it says to those who do not see it."""

from shared.charts.axes import Area
from shared.charts.markup import element, words
from shared.charts.style import STYLE

WIDTH, HEIGHT = 720, 300
"""Pixels; a picture grows and shrinks with the page."""

AREA = Area(left=56, top=56, right=600, bottom=246)
"""Where values are drawn; on its right there is room for the names of lines."""


def within(drawing: str, title: str, description: str, *, name: str) -> str:
    """The picture as an element of a page that links `STYLE`; `name` is one of a kind within the page."""
    return _svg((), drawing, title, description, name)


def document(drawing: str, title: str, description: str) -> str:
    """The picture as a file of its own."""
    style = element("style", STYLE)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{_svg((style,), drawing, title, description, "chart")}\n'


def line_name(y: float, text: str, kind: str = "muted") -> str:
    """The name of a line, at its right end."""
    return element("text", words(text), class_=kind, x=AREA.right + 8, y=y + 4)


def _svg(style: tuple[str, ...], drawing: str, title: str, description: str, name: str) -> str:
    return element(
        "svg",
        element("title", words(title), id=f"{name}-title"),
        element("desc", words(description), id=f"{name}-desc"),
        *style,
        element("text", words(title), class_="heading", x=AREA.left - 40, y=22, aria_hidden="true"),
        element("g", drawing, aria_hidden="true"),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        class_="chart",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )
