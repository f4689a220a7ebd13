"""Measure files: complete, sourced, and converted as UCUM says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ucumvert import PintUcumRegistry  # pyright: ignore[reportMissingTypeStubs]

from shared.measures import Measure, load_measures
from shared.settings import ROOT, ConfigurationInvalid

MEASURES = load_measures(ROOT / "measures")
DESIGNED = {
    "pain-nrs", "dorsiflexor-strength", "mrc-dorsiflexion", "dorsiflexion-range", "walk-10m", "tug", "who-5", "pss-10",
    "faam-adl", "faam-sport", "cmap-amplitude", "perfusion",
}  # fmt: skip


@pytest.fixture(scope="module")
def ucum() -> Any:
    return PintUcumRegistry()


def conversions() -> Iterator[tuple[Measure, str, float]]:
    return ((measure, unit, factor) for measure in MEASURES.values() for unit, factor in measure.converts.items())


def test_all_measures_of_the_design_are_there() -> None:
    assert MEASURES.keys() >= DESIGNED


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda measure: measure.measure)
def test_a_file_is_named_after_its_measure_and_its_unit_is_ucum(measure: Measure, ucum: Any) -> None:
    assert (ROOT / "measures" / f"{measure.measure}.yaml").exists()
    assert ucum.from_ucum(measure.unit) is not None


@pytest.mark.parametrize(("measure", "unit", "factor"), list(conversions()))
def test_each_conversion_is_what_ucum_says(measure: Measure, unit: str, factor: float, ucum: Any) -> None:
    assert (1 * ucum.from_ucum(unit)).to(ucum.from_ucum(measure.unit)).magnitude == pytest.approx(factor, rel=1e-12)
    assert measure.in_unit(2, unit) == pytest.approx(2 * factor)


def test_a_unit_that_is_none_of_the_measure_is_not_guessed() -> None:
    strength = MEASURES["dorsiflexor-strength"]
    assert (strength.in_unit(10, "N"), strength.in_unit(10, "kgf")) == (10, 98.0665)
    assert (strength.in_unit(10, "kg"), strength.in_unit(10, "n"), strength.in_unit(10, "")) == (None, None, None)


def test_a_wrong_measure_is_refused_with_line_and_column(tmp_path: Path) -> None:
    text = (ROOT / "measures" / "tug.yaml").read_text(encoding="utf-8").replace("better: lower", "better: less")
    (tmp_path / "tug.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationInvalid, match=r"tug.yaml, line 11, column 9: better"):
        load_measures(tmp_path)
    (tmp_path / "tug.yaml").write_text(text.replace("less", "lower").replace("low: 1", "low: 0"), encoding="utf-8")
    with pytest.raises(ConfigurationInvalid, match="above 0"):
        load_measures(tmp_path)
