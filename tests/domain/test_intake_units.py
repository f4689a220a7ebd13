"""Readings in other units: converted at the edge, or refused with the remedy."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.intake.domain.chart import PatientFile
from services.intake.domain.recording import log_session, record_measurement
from shared.events.clinical import Reading
from shared.events.intake import MeasurementRecorded, SessionLogged
from shared.messaging.errors import Refused
from shared.protocols import load_protocols
from shared.settings import ROOT

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
NEW = PatientFile("riverside", "p1", load_protocols(ROOT / "protocols"))
WHO: dict[str, Any] = {"clinic_id": "riverside", "patient_id": "p1"}


def taken(measure: str, value: float, unit: str) -> Reading:
    return Reading(measurement_id="m-1", measure=measure, value=value, unit=unit, effective_at=NOON)


def recorded(reading: Reading) -> Reading:
    decision = record_measurement(NEW, MeasurementRecorded(**WHO, reading=reading), NOON)
    (fact,) = decision.facts
    assert isinstance(fact, MeasurementRecorded)
    return fact.reading


@pytest.mark.parametrize(
    ("reading", "value", "unit"),
    [
        (taken("dorsiflexor-strength", 10, "[lbf_av]"), 44.4822162, "N"),
        (taken("walk-10m", 3.6, "km/h"), 1.0, "m/s"),
        (taken("tug", 0.25, "min"), 15, "s"),
        (taken("cmap-amplitude", 2500, "uV"), 2.5, "mV"),
        (taken("pain-nrs", 4, "/10"), 4, "{score}"),
        (taken("dorsiflexor-strength", 80, "N"), 80, "N"),
    ],
)
def test_a_reading_is_published_in_its_measures_own_unit(reading: Reading, value: float, unit: str) -> None:
    own = recorded(reading)
    assert (own.value, own.unit) == (pytest.approx(value), unit)


def test_the_readings_of_a_session_are_converted_too_and_the_same_session_is_a_repeat() -> None:
    fact = SessionLogged(
        **WHO, session_id="s-1", started_at=NOON, minutes=30, readings=(taken("walk-10m", 90, "cm/s"),)
    )
    first = log_session(NEW, fact, NOON)
    (published,) = first.facts
    assert isinstance(published, SessionLogged)
    assert (published.readings[0].value, published.readings[0].unit) == (0.9, "m/s")
    assert log_session(first.state, fact, NOON).facts == ()


@pytest.mark.parametrize(
    ("reading", "detail", "remedy"),
    [
        (taken("dorsiflexor-strength", 10, "kg"), "is read in N", "Convert it to N, or send it in one of: kgf"),
        (taken("walk-10m", 90, "m/s"), "lies between 0 and 5 m/s", "leave the reading out"),
        (taken("walk-10m", 900, "cm/s"), "lies between 0 and 5 m/s", "leave the reading out"),
        (taken("mrc-dorsiflexion", 3.5, "1"), "graded in steps of 1", "Correct the value"),
        (taken("joy", 3, "1"), "No protocol has this measure", "protocols/"),
    ],
)
def test_what_can_not_be_read_is_refused_with_the_reason_and_the_remedy(
    reading: Reading, detail: str, remedy: str
) -> None:
    with pytest.raises(Refused, match=detail) as refusal:
        recorded(reading)
    assert remedy in refusal.value.remedy
