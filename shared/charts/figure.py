"""Whole pictures: their size, their heading, and what they say to those who do not see them."""

from typing import NamedTuple

from shared.charts.axes import Area
from shared.charts.markup import element, words
from shared.charts.style import STYLE

WIDTH, HEIGHT = 720, 300
"""Pixels; a picture grows and shrinks with the page."""

AREA = Area(left=56, top=56, right=566, bottom=246)
"""Where values are drawn; on its right there is room for the names of lines."""


class Picture(NamedTuple):
    """A drawing with its words: `title` is shown above it, `description` is for those who do not see it."""

    title: str
    description: str
    drawing: str


def within(picture: Picture, *, name: str) -> str:
    """The picture as an element of a page that links `PAGE_STYLE`; `name` is one of a kind within the page."""
    return _svg(_headed(picture), picture.title, picture.description, name=name)


def document(*pictures: Picture) -> str:
    """The pictures, one below the other, as a file of its own."""
    title = "; ".join(picture.title for picture in pictures)
    description = " ".join(picture.description for picture in pictures)
    drawings = [
        element("g", _headed(picture), transform=f"translate(0 {at * HEIGHT})") for at, picture in enumerate(pictures)
    ]
    height = HEIGHT * max(1, len(pictures))
    # A page has its own ground; a viewer's may be light while the colours are those of dark mode.
    ground = element("rect", class_="paper", x=0, y=0, width=WIDTH, height=height)
    svg = _svg(
        ground + "".join(drawings), title, description, name="chart", height=height, style=element("style", STYLE)
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{svg}\n'


def line_name(y: float, text: str, kind: str = "muted") -> str:
    """The name of a line, at its right end."""
    return element("text", words(text), class_=kind, x=AREA.right + 8, y=y + 4)


def _headed(picture: Picture) -> str:
    heading = element("text", words(picture.title), class_="heading", x=AREA.left - 40, y=22)
    return heading + picture.drawing


def _svg(drawing: str, title: str, description: str, *, name: str, height: int = HEIGHT, style: str = "") -> str:
    return element(
        "svg",
        element("title", words(title), id=f"{name}-title"),
        element("desc", words(description), id=f"{name}-desc"),
        style,
        element("g", drawing, aria_hidden="true"),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height}",
        class_="chart",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )
