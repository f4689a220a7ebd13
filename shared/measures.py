"""Outcome measures as data: how each is read and what counts as change (`measures/*.yaml`)."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationInfo, model_validator

from shared.data_files import read_data_folder
from shared.events.base import Code
from shared.events.clinical import MeasureSpec

MEASURE_SYSTEM = "urn:stride:measure"
"""Code system of Stride's own measure names, for measures without a public code."""

Source = Annotated[str, Field(min_length=3, max_length=400)]
"""Where a clinical statement comes from."""

_DIGITS = 9
"""A converted value is rounded to so many digits, so that the same reading always gives the same number."""


class Entry(BaseModel):
    """A part of a data file: an unknown field is a typing error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TermCode(Entry):
    """A code of a public or own terminology, and where its meaning was looked up."""

    system: Annotated[str, Field(min_length=3, max_length=200)]
    code: Code
    source: Source


class Measure(Entry):
    """One outcome measure at one version. Plans carry what they were made with."""

    measure: Code
    version: Annotated[int, Field(ge=1)]
    title: str
    name: Mapping[str, str]
    """What people call it in a sentence or above a chart, by language; English (`en`) is always there."""
    unit: Annotated[str, Field(min_length=1, max_length=32)]
    """UCUM, case sensitive: what readings are kept in."""
    also_spelled: tuple[str, ...] = ()
    """Other spellings of the same unit that clinic systems use."""
    converts: Mapping[str, Annotated[float, Field(gt=0)]] = {}
    """Other units (UCUM), and what one of each is in `unit`."""
    low: float
    high: float
    step: Annotated[float, Field(gt=0)]
    """Readings are usually written down in whole steps of this; gradings always."""
    better: Literal["lower", "higher"]
    scale: Literal["linear", "log"]
    by_rater: bool = False
    sigma: Annotated[float, Field(gt=0)]
    """Standard deviation of one reading: in `unit` where linear, of the natural logarithm where log."""
    sigma_source: Source
    mcid: Annotated[float, Field(gt=0)]
    """Smallest change that matters: in `unit` where linear, as a fraction where log."""
    source: Source
    """Of `mcid`."""
    codes: tuple[TermCode, ...] = ()

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if "en" not in self.name:
            raise ValueError("name has no English: add `en`")
        if self.low >= self.high:
            raise ValueError("low must be below high")
        if self.scale == "log" and self.low <= 0:
            raise ValueError("a measure in logarithms needs a low above 0")
        return self

    @property
    def spec(self) -> MeasureSpec:
        """The measure as plans carry it."""
        return MeasureSpec.model_validate(self.model_dump(include=set(MeasureSpec.model_fields)))

    def in_unit(self, value: float, unit: str) -> float | None:
        """A value read in some unit in the measure's own; None where the unit is none of this measure."""
        if unit == self.unit or unit in self.also_spelled:
            return value
        factor = self.converts.get(unit)
        return None if factor is None else float(f"{value * factor:.{_DIGITS}g}")


Measures = Mapping[str, Measure]
"""By name."""


def load_measures(folder: Path) -> Measures:
    """All measures of `folder`.

    Raises:
        ConfigurationInvalid: no file there, a file is wrong, or two describe the same measure.
    """
    return read_data_folder(folder, Measure, "measure", "measure", "pain-nrs.yaml")


class ProtocolMeasure(Entry):
    """A protocol's use of a measure: how often it is taken, and figures of its own where it has a source for them.

    To be validated with the context `{"measures": Measures}`.
    """

    measure: Code
    every_sessions: Annotated[int, Field(ge=1)] = 1
    """Cadence: taken at every n-th session."""
    sigma: Annotated[float, Field(gt=0)] | None = None
    mcid: Annotated[float, Field(gt=0)] | None = None
    source: Source | None = None
    """Of figures that differ from the measure's own."""
    _about: Measure = PrivateAttr()

    @model_validator(mode="after")
    def _known(self, info: ValidationInfo) -> Self:
        measures: Measures = (info.context or {}).get("measures", {})
        if self.measure not in measures:
            raise ValueError(
                f"no file under measures/ describes {self.measure}; there are {', '.join(sorted(measures))}"
            )
        if (self.sigma or self.mcid) and self.source is None:
            raise ValueError("sigma or mcid that differ from the measure's own need a source")
        self._about = measures[self.measure]
        return self

    @property
    def about(self) -> Measure:
        """The measure that is meant."""
        return self._about

    @property
    def title(self) -> str:
        """The measure in words."""
        return self._about.title

    @property
    def codes(self) -> tuple[TermCode, ...]:
        """Its codes, each with where it was looked up."""
        return self._about.codes

    @cached_property
    def spec(self) -> MeasureSpec:
        """The measure as plans of the protocol carry it."""
        return self._about.spec.model_copy(update=self.model_dump(include={"sigma", "mcid"}, exclude_none=True))
