"""How many are confirmed by which session, one panel for each milestone: what is drawn, as SVG or PNG.

Both are drawn from the same shapes, so that they show the same.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from stride.trials.protocols import Outcome

WIDTH, PANEL = 640, 240
"""Pixels."""
PAPER, GRID, INK = "#ffffff", "#dddddd", "#1f2933"

_LEFT, _TOP, _HEIGHT, _PLOT = 56, 40, 150, 520
_KINDS: Final = {
    "full": ("#1b7f4b", (), "responders"),
    "half": ("#a35f00", (10, 5), "half responders"),
    "unchanged": ("#b3261e", (2, 4), "unchanged"),
}
"""Colour, dashes (since not everybody tells the colours apart) and words, by response."""

Anchor = Literal["start", "middle", "end"]
Place = tuple[float, float]


class Line(NamedTuple):
    """A line through places; `dashes` are lengths drawn and left out in turn."""

    places: Sequence[Place]
    colour: str
    width: int
    dashes: Sequence[int] = ()


class Words(NamedTuple):
    """Text whose baseline begins, centres or ends at a place."""

    place: Place
    text: str
    colour: str = INK
    anchor: Anchor = "start"
    bold: bool = False


Shape = Line | Words


def shapes(outcomes: Sequence[Outcome]) -> Iterator[Shape]:
    """Everything that is drawn, panel below panel."""
    for number, outcome in enumerate(outcomes):
        yield from _panel(outcome, number * PANEL)


def _panel(outcome: Outcome, top: int) -> Iterator[Shape]:
    title = f"{outcome.milestone}: confirmed by session, % of simulated patients"
    yield Words((_LEFT, top + 20), title, bold=True)
    for percent in (0, 50, 100):
        y = _y(top, percent)
        yield Line(((_LEFT, y), (_LEFT + _PLOT, y)), GRID, 1)
        yield Words((_LEFT - 8, y + 4), str(percent), anchor="end")
    for session in range(0, outcome.sessions + 1, 6):
        yield Words((_x(outcome, session), top + _TOP + _HEIGHT + 18), str(session), anchor="middle")
    for place, (name, (colour, dashes, words)) in enumerate(_KINDS.items()):
        curve = outcome.curves[name]
        yield Line([(_x(outcome, n), _y(top, share)) for n, share in enumerate(curve, start=1)], colour, 2, dashes)
        x, y = _LEFT + place * 175, top + _TOP + _HEIGHT + 38
        yield Line(((x, y - 4), (x + 28, y - 4)), colour, 2, dashes)
        yield Words((x + 34, y), f"{words} {curve[-1]:g}%", colour)


def _x(outcome: Outcome, session: int) -> float:
    return round(_LEFT + _PLOT * session / outcome.sessions, 1)


def _y(top: int, percent: float) -> float:
    return round(top + _TOP + _HEIGHT * (1 - percent / 100), 1)
