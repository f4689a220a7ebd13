"""How charts look: colours that colour-blind people can tell apart, light, dark and on paper."""

from typing import Final

_LIGHT: Final = {
    "ink": "#1f2933",
    "muted": "#52606d",
    "grid": "#e1e6eb",
    "line": "#1a5fa8",
    "band": "#dbe7f3",
    "good": "#1c7a43",
    "alarm": "#b3261e",
    "paper": "#ffffff",
}
_DARK: Final = {
    "ink": "#e6eaee",
    "muted": "#a7b3bf",
    "grid": "#35404b",
    "line": "#7db8f0",
    "band": "#26384a",
    "good": "#6fd097",
    "alarm": "#ff9d94",
    "paper": "#161b21",
}
_RULES: Final = """
.chart text { font: 12px system-ui, sans-serif; fill: %(ink)s; }
.chart .paper { fill: %(paper)s; }
.chart .heading { font-weight: 600; font-size: 14px; }
.chart .muted { fill: %(muted)s; }
.chart .grid { stroke: %(grid)s; stroke-width: 1; }
.chart .axis { stroke: %(muted)s; stroke-width: 1; }
.chart .line { stroke: %(line)s; stroke-width: 2; fill: none; stroke-linejoin: round; }
.chart .dot { fill: %(line)s; stroke: %(paper)s; stroke-width: 1.5; }
.chart .dot.hollow { fill: %(paper)s; stroke: %(line)s; stroke-width: 2; }
.chart .band { fill: %(band)s; }
.chart .centre { stroke: %(muted)s; stroke-width: 1.5; }
.chart .limit { stroke: %(muted)s; stroke-width: 1.5; stroke-dasharray: 2 4; }
.chart .target { stroke: %(good)s; stroke-width: 2; stroke-dasharray: 8 4; }
.chart .good { fill: %(good)s; }
.chart .ring { fill: none; stroke: %(good)s; stroke-width: 2.5; }
.chart .alarm { fill: %(alarm)s; stroke: %(paper)s; stroke-width: 1.5; }
.chart .alarm-text { fill: %(alarm)s; }
.chart .label { stroke: %(paper)s; stroke-width: 4; paint-order: stroke; }
.chart .cross { stroke: %(alarm)s; stroke-width: 2.5; fill: none; }
""".strip()

STYLE: Final = "\n".join(
    (
        _RULES % _LIGHT,
        "@media screen and (prefers-color-scheme: dark) {",
        _RULES % _DARK,
        "}",
    )
)
"""The style sheet of a chart in a file of its own: readable by viewers that know little of CSS."""

PAGE_STYLE: Final = _RULES % {name: f"light-dark({light}, {_DARK[name]})" for name, light in _LIGHT.items()}
"""The style sheet of charts in a page, which follow the page's own `color-scheme`."""
