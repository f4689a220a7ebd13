"""Writing the plot into a file: SVG, or PNG where the name ends so."""

from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from math import dist
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from shared.charts.markup import element, words
from stride.trials.plot import PANEL, PAPER, WIDTH, Line, Place, Shape, Words, shapes
from stride.trials.protocols import Outcome

_FONT: Final = 12
_SHARP: Final = 2
"""Pixels of a PNG for each of an SVG."""
_ANCHORS: Final = {"start": "ls", "middle": "ms", "end": "rs"}


def draw(file: Path, protocol_id: str, outcomes: Sequence[Outcome]) -> None:
    """Write the plot of the milestones into `file`."""
    height, drawn = PANEL * max(1, len(outcomes)), list(shapes(outcomes))
    if file.suffix.lower() == ".png":
        file.write_bytes(as_png(drawn, height))
    else:
        file.write_text(as_svg(f"{protocol_id}: simulated milestones", drawn, height), encoding="utf-8")


def as_svg(title: str, drawn: Sequence[Shape], height: int) -> str:
    """A whole SVG document."""
    ground = element("rect", width=WIDTH, height=height, fill=PAPER)
    return (
        element(
            "svg",
            element("title", words(title)),
            ground,
            *map(_svg, drawn),
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {WIDTH} {height}",
            width=WIDTH,
            height=height,
            font_family="sans-serif",
            font_size=_FONT,
            role="img",
        )
        + "\n"
    )


def _svg(shape: Shape) -> str:
    if isinstance(shape, Words):
        (x, y), weight = shape.place, "bold" if shape.bold else None
        return element(
            "text", words(shape.text), x=x, y=y, fill=shape.colour, text_anchor=shape.anchor, font_weight=weight
        )
    places = " ".join(f"{x:g},{y:g}" for x, y in shape.places)
    dashes = " ".join(map(str, shape.dashes)) or None
    return element(
        "polyline", points=places, fill="none", stroke=shape.colour, stroke_width=shape.width, stroke_dasharray=dashes
    )


def as_png(drawn: Sequence[Shape], height: int) -> bytes:
    """A whole PNG image. Its font comes with the library, so that every machine draws the same."""
    image = Image.new("RGB", (WIDTH * _SHARP, height * _SHARP), PAPER)
    canvas, font = ImageDraw.Draw(image), ImageFont.load_default(_FONT * _SHARP)
    for shape in drawn:
        if isinstance(shape, Words):
            place, anchor = _scaled(shape.place), _ANCHORS[shape.anchor]
            stroke = _SHARP / 3 if shape.bold else 0
            canvas.text(place, shape.text, shape.colour, font, anchor, stroke_width=stroke)
        else:
            for stretch in _stretches(shape):
                canvas.line([_scaled(place) for place in stretch], shape.colour, shape.width * _SHARP, joint="curve")
    written = BytesIO()
    image.save(written, "PNG", optimize=True)
    return written.getvalue()


def _scaled(place: Place) -> Place:
    return place[0] * _SHARP, place[1] * _SHARP


def _stretches(line: Line) -> Sequence[Sequence[Place]]:
    """The parts of a line that are drawn: all of it, or its dashes, which go on around corners."""
    if not line.dashes:
        return [line.places]
    found: list[list[Place]] = []
    at, left = 0, float(line.dashes[0])
    for start, end in pairwise(line.places):
        length, gone = dist(start, end), 0.0
        while gone < length:
            step = min(left, length - gone)
            if at % 2 == 0:
                found.append([_between(start, end, gone / length), _between(start, end, (gone + step) / length)])
            gone, left = gone + step, left - step
            if left <= 0:
                at += 1
                left = float(line.dashes[at % len(line.dashes)])
    return found


def _between(start: Place, end: Place, share: float) -> Place:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
