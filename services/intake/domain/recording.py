"""Taking in what a clinic system recorded: checked, told from repeats, then published as it is."""

import hashlib
from datetime import datetime

from services.intake.domain.chart import PatientFile, Record
from shared.events.base import Fact
from shared.events.clinical import Reading
from shared.events.intake import (
    AdverseEventRecorded,
    AppointmentChangeRequested,
    MeasurementCorrected,
    MeasurementRecorded,
    MeasurementVoided,
    SessionLogged,
    SessionVoided,
)
from shared.messaging.errors import Refused
from shared.messaging.message import Decision
from shared.protocols import Protocols

_REMEDIES = {
    "patient.registered": "Send patient.updated with a revision.",
    "patient.updated": "Give a higher revision.",
    "consultation.completed": "Give another consultation its own consultation_id.",
    "session.logged": "Send measurement.corrected for its readings, or session.voided and a session with a new id.",
    "measurement.recorded": "Send measurement.corrected with a revision.",
    "measurement.corrected": "Give a higher revision.",
    "calendar.changed": "Give a higher revision.",
    "plan.ended": "A plan ends once; nothing more needs to be sent.",
}


def record(file: PatientFile, fact: Fact, content: str | None = None) -> PatientFile | None:
    """The file with `fact` recorded, or None where just this was recorded before.

    Raises:
        Refused: the same id was recorded with other content, or for another patient.
    """
    key = (fact.NAME, fact.natural_key)
    known = file.records.get(key)
    digest = digest_of(fact) if content is None else content
    if known is None:
        return file._replace(records={**file.records, key: Record(file.patient_id, digest)})
    if known.patient_id != file.patient_id:
        raise Refused(
            f"{fact.NAME}: this id was already used for another patient of the clinic.",
            pointer="/patient_id",
            remedy="Give every record an id of its own within the clinic.",
        )
    if known.digest == digest:
        return None
    raise Refused(
        f"{fact.NAME}: the same id was recorded before with other content.",
        remedy=_REMEDIES.get(fact.NAME, "Give a new record its own id."),
    )


def digest_of(fact: Fact) -> str:
    """What the fact says, in 64 characters, so that a repeat can be told from a contradiction."""
    return hashlib.sha256(fact.document).hexdigest()


def publish_once(file: PatientFile, fact: Fact, content: str | None = None) -> Decision[PatientFile]:
    """Record the fact and publish it; nothing where it was recorded before."""
    recorded = record(file, fact, content)
    return Decision(file) if recorded is None else Decision(recorded, (fact,))


def log_session(file: PatientFile, fact: SessionLogged, now: datetime) -> Decision[PatientFile]:
    """A session was held."""
    check_readings(file.protocols, fact.readings)
    return publish_once(file, fact)


def record_measurement(
    file: PatientFile, fact: MeasurementRecorded | MeasurementCorrected, now: datetime
) -> Decision[PatientFile]:
    """A reading outside a session, or the corrected value of any reading."""
    check_reading(file.protocols, fact.reading, "/reading")
    return publish_once(file, fact)


def void(file: PatientFile, fact: SessionVoided | MeasurementVoided, now: datetime) -> Decision[PatientFile]:
    """Something was recorded in error. Voiding it again, whenever and why ever, changes nothing."""
    return publish_once(file, fact, content="void")


def record_adverse_event(file: PatientFile, fact: AdverseEventRecorded, now: datetime) -> Decision[PatientFile]:
    """An unwanted effect outside a session record; progress judges it."""
    return publish_once(file, fact)


def request_change(file: PatientFile, fact: AppointmentChangeRequested, now: datetime) -> Decision[PatientFile]:
    """A wish about an appointment; scheduling fulfils it. When and why it was asked again changes nothing."""
    return publish_once(file, fact, content=f"{fact.appointment_id}/{fact.change}/{fact.not_before}/{fact.rebook}")


def check_readings(protocols: Protocols, readings: tuple[Reading, ...]) -> None:
    """Check each of the readings that a record carries.

    Raises:
        Refused: one is of no known measure, in another unit or out of range.
    """
    for number, reading in enumerate(readings):
        check_reading(protocols, reading, f"/readings/{number}")


def check_reading(protocols: Protocols, reading: Reading, pointer: str) -> None:
    """Whether a protocol knows the measure, and the value can be one.

    Raises:
        Refused: no protocol has the measure, or the unit or range is another.
    """
    entry = protocols.measure(reading.measure)
    if entry is None:
        raise Refused(
            "No protocol has this measure.",
            pointer=f"{pointer}/measure",
            remedy="Use a measure that a file under protocols/ names.",
        )
    spec = entry.spec
    if reading.unit != spec.unit:
        raise Refused(
            f"{spec.measure} is read in {spec.unit}.", pointer=f"{pointer}/unit", remedy=f"Convert it to {spec.unit}."
        )
    if not spec.low <= reading.value <= spec.high:
        raise Refused(
            f"{spec.measure} lies between {spec.low:g} and {spec.high:g} {spec.unit}.",
            pointer=f"{pointer}/value",
            remedy="Correct the value, or leave the reading out: a missing one does no harm.",
        )
