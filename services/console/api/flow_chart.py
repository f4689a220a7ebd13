"""The flow map as SVG: services as boxes, what they publish to each other as arrows with their figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.console.domain.flow_map import OUTSIDE, Carried
from shared.charts.markup import element, words
from shared.flow import FLOW, LISTENING

_WIDTH, _HEIGHT = 1240, 520
_BOX: Final = (160, 76)
_COLUMN, _STAGGER, _ROW = 320, 64, 190
_BAR_TOP: Final = 430
_LINE: Final = 15


@dataclass(frozen=True, slots=True)
class Box:
    """Where a service stands."""

    x: float
    y: float
    width: float = _BOX[0]
    height: float = _BOX[1]

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def drawn(arrows: Sequence[Carried], states: Mapping[str, str], labels: Mapping[Carried, Sequence[str]]) -> str:
    """The picture. `states` are lines below the services' names, `labels` the figures beside the arrows."""
    boxes = _places(arrows)
    marker = element(
        "marker", element("path", d="M0 0 L8 4 L0 8 z", class_="tip"),
        id="tip", viewBox="0 0 8 8", refX=8, refY=4, markerWidth=11, markerHeight=11, orient="auto",
        markerUnits="userSpaceOnUse",
    )  # fmt: skip
    paths = [_arrow(one, boxes, labels[one]) for one in arrows if one.arrow.source != one.arrow.target]
    lines = [line for line, _ in paths]
    texts = [text for _, text in paths]
    nodes = [_node(name, box, states.get(name, "")) for name, box in boxes.items()]
    return element(
        "svg", element("defs", marker), *lines, *nodes, *texts, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", class_="flow",
        xmlns="http://www.w3.org/2000/svg", aria_hidden="true",
    )  # fmt: skip


def _places(arrows: Sequence[Carried]) -> dict[str, Box]:
    """Columns by how far a service is from the edge; whoever hears of everything is a bar below all."""
    sources = {name: [one.arrow.source for one in arrows if one.arrow.target == name] for name in FLOW}
    ranks, columns = {OUTSIDE: -1}, dict[int, list[str]]()
    for name in FLOW:
        if name not in LISTENING:
            ranks[name] = 1 + max((ranks[source] for source in sources[name] if source in ranks), default=-1)
            columns.setdefault(ranks[name], []).append(name)
    boxes = {OUTSIDE: Box(10, _row(0, 1), 120)}
    for rank, names in columns.items():
        for place, name in enumerate(names):
            boxes[name] = Box(250 + _COLUMN * rank + _STAGGER * place, _row(place, len(names)))
    return boxes | {name: Box(250, _BAR_TOP, _WIDTH - 260) for name in LISTENING}


def _row(place: int, many: int) -> float:
    return 170 + (place - (many - 1) / 2) * _ROW


def _node(name: str, box: Box, state: str) -> str:
    shape = element("rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=10)
    centre = box.x + box.width / 2
    title = element("text", words(name), x=centre, y=box.middle - 3, class_="name")
    below = element("text", words(state), x=centre, y=box.middle + 17, class_="state")
    return element("g", shape, title, below, class_="node")


def _arrow(one: Carried, boxes: Mapping[str, Box], label: Sequence[str]) -> tuple[str, str]:
    source, target = boxes[one.arrow.source], boxes[one.arrow.target]
    if target.width > _BOX[0]:
        x = source.x + 26
        path, at = f"M{x} {source.y + source.height} V{target.y}", (x + 8, target.y - 26)
    elif source.x + source.width < target.x:
        start, end = source.x + source.width, target.x
        lean = 16 * ((source.middle > target.middle) - (source.middle < target.middle))
        path = f"M{start} {source.middle - lean / 2} L{end} {target.middle + lean}"
        at = ((start + end) / 2 - 40, (source.middle + target.middle + lean / 2) / 2 - 8)
    else:
        path, at = _back(source, target)
    drawn_path = element("path", d=path, class_=f"arrow{' waits' if one.waiting else ''}", marker_end="url(#tip)")
    rows = [
        element("text", words(line), x=at[0], y=at[1] + _LINE * number, class_="figure")
        for number, line in enumerate(label)
    ]
    return drawn_path, "".join(rows)


def _back(source: Box, target: Box) -> tuple[str, tuple[float, float]]:
    """An arrow against the flow goes above the boxes, or below them where its source is in the lower half."""
    over = source.middle <= _row(0, 1) + _BOX[1] / 2
    y, edge = (source.y, target.y) if over else (source.y + source.height, target.y + target.height)
    bend = min(y, edge) - 34 if over else max(y, edge) + 34
    start, end = source.x + source.width / 2, target.x + target.width - (30 if over else 60)
    path = f"M{start} {y} C{start} {bend} {end} {bend} {end} {edge}"
    return path, ((start + end) / 2 - 40, bend + (2 if over else 10))
