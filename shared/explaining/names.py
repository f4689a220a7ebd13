"""What people call measures and units."""

from functools import cache
from typing import Final

from shared.measures import Measures, load_measures
from shared.settings import ROOT

_UNITS: Final = {"1": "", "{score}": "", "deg": "°"}


def measure_name(code: str, language: str = "en") -> str:
    """What people call a measure, by its file: `pain-nrs` is "Pain (0 to 10)"; one that has none by its code."""
    if known := _measures().get(code):
        return known.name.get(language, known.name["en"])
    return code.replace("-", " ").capitalize()


def renamed_measure(name: str, language: str) -> str:
    """What people call the measure in `language` whose English name this is; the name where there is none."""
    known = next((one for one in _measures().values() if one.name["en"] == name), None)
    return known.name.get(language, name) if known else name


@cache
def _measures() -> Measures:
    return load_measures(ROOT / "measures")


def unit_name(unit: str | None) -> str:
    """A UCUM unit as people write it; scores and grades have none."""
    return "" if unit is None else _UNITS.get(unit, unit.strip("{}"))
