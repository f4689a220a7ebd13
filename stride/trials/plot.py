"""How many are confirmed by which session, as SVG: one panel for each milestone."""

from collections.abc import Iterator, Sequence
from html import escape

from stride.trials.protocols import Outcome

_WIDTH, _PANEL, _LEFT, _TOP, _HEIGHT, _PLOT = 640, 240, 56, 40, 150, 520
_COLOURS = {
    "full": ("#1b7f4b", "responders"),
    "half": ("#c77700", "half responders"),
    "unchanged": ("#b3261e", "unchanged"),
}


def drawn(protocol_id: str, outcomes: Sequence[Outcome]) -> str:
    """A whole SVG document."""
    height = _PANEL * len(outcomes)
    panels = "".join(line for n, outcome in enumerate(outcomes) for line in _panel(outcome, n * _PANEL))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="12" role="img" aria-label="{escape(protocol_id)}: simulated milestones">'
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>{panels}</svg>\n'
    )


def _panel(outcome: Outcome, top: int) -> Iterator[str]:
    title = f"{outcome.milestone}: confirmed by session, % of simulated patients"
    yield f'<text x="{_LEFT}" y="{top + 20}" font-weight="bold">{escape(title)}</text>'
    for percent in (0, 50, 100):
        y = _y(top, percent)
        yield f'<line x1="{_LEFT}" x2="{_LEFT + _PLOT}" y1="{y}" y2="{y}" stroke="#dddddd"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{percent}</text>'
    for session in range(0, outcome.sessions + 1, 6):
        x = _x(outcome, session)
        yield f'<text x="{x}" y="{top + _TOP + _HEIGHT + 18}" text-anchor="middle">{session}</text>'
    for place, (name, (colour, words)) in enumerate(_COLOURS.items()):
        points = " ".join(f"{_x(outcome, n)},{_y(top, share)}" for n, share in enumerate(outcome.curves[name], start=1))
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        legend = f"{words} {outcome.curves[name][-1]:g}%"
        yield f'<text x="{_LEFT + place * 170}" y="{top + _TOP + _HEIGHT + 38}" fill="{colour}">{legend}</text>'


def _x(outcome: Outcome, session: int) -> float:
    return round(_LEFT + _PLOT * session / outcome.sessions, 1)


def _y(top: int, percent: float) -> float:
    return round(top + _TOP + _HEIGHT * (1 - percent / 100), 1)
