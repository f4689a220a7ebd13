"""Taking in what a clinic system recorded: checked, told from repeats, then published as it is."""

import hashlib
from datetime import datetime

from services.intake.domain.chart import PatientFile, Record
from shared.events.base import Fact
from shared.events.clinical import Reading
from shared.events.console import AlertActionRequested, DeskActionRequested
from shared.events.intake import (
    AdverseEventRecorded,
    AppointmentChangeRequested,
    MeasurementCorrected,
    MeasurementRecorded,
    MeasurementVoided,
    RecoveryExpected,
    SessionLogged,
    SessionVoided,
)
from shared.measures import Measure
from shared.messaging.errors import Refused
from shared.messaging.message import Decision
from shared.protocol_checks import curve_mistake
from shared.protocols import Protocols

_REMEDIES = {
    "patient.registered": "Send patient.updated with a revision.",
    "patient.updated": "Give a higher revision.",
    "consultation.completed": "Give another consultation its own consultation_id.",
    "session.logged": "Send measurement.corrected for its readings, or session.voided and a session with a new id.",
    "measurement.recorded": "Send measurement.corrected with a revision.",
    "measurement.corrected": "Give a higher revision.",
    "calendar.changed": "Give a higher revision.",
    "recovery.expected": "Give a higher revision.",
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
    readings = own_readings(file.protocols, fact.readings)
    return publish_once(file, fact if readings == fact.readings else fact.model_copy(update={"readings": readings}))


def record_measurement(
    file: PatientFile, fact: MeasurementRecorded | MeasurementCorrected, now: datetime
) -> Decision[PatientFile]:
    """A reading outside a session, or the corrected value of any reading."""
    reading = own_reading(file.protocols, fact.reading, "/reading")
    return publish_once(file, fact if reading is fact.reading else fact.model_copy(update={"reading": reading}))


def void(file: PatientFile, fact: SessionVoided | MeasurementVoided, now: datetime) -> Decision[PatientFile]:
    """Something was recorded in error. Voiding it again, whenever and why ever, changes nothing."""
    return publish_once(file, fact, content="void")


def expect_recovery(file: PatientFile, fact: RecoveryExpected, now: datetime) -> Decision[PatientFile]:
    """What a clinician expects of a patient; its plan may come later.

    Raises:
        Refused: the curve has no point, or does not rise.
    """
    if mistake := "there is no point" if not fact.curve else curve_mistake(fact.curve):
        remedy = "Send weeks since the course's first day, and the change toward better expected by then."
        raise Refused(f"The curve can't be judged by: {mistake}.", pointer="/curve", remedy=remedy)
    return publish_once(file, fact)


def record_adverse_event(file: PatientFile, fact: AdverseEventRecorded, now: datetime) -> Decision[PatientFile]:
    """An unwanted effect outside a session record; progress judges it."""
    return publish_once(file, fact)


def request_change(file: PatientFile, fact: AppointmentChangeRequested, now: datetime) -> Decision[PatientFile]:
    """A wish about an appointment; scheduling fulfils it. When and why it was asked again changes nothing."""
    wanted = (fact.appointment_id, fact.change, fact.not_before, fact.rebook)
    slot = (fact.start, fact.practitioner_id, fact.room_id) if fact.start else ()
    return publish_once(file, fact, content="/".join(map(str, (*wanted, *slot))))


def ask_about_alert(file: PatientFile, fact: AlertActionRequested, now: datetime) -> Decision[PatientFile]:
    """What somebody wants done with an alert; notifications does it. When it was asked again changes nothing."""
    wanted = (fact.alert_id, fact.revision, fact.action, fact.requested_by, fact.owner, fact.until, fact.resolution)
    return publish_once(file, fact, content="/".join(map(str, wanted)))


def ask_desk(file: PatientFile, fact: DeskActionRequested, now: datetime) -> Decision[PatientFile]:
    """What the front desk asks of scheduling, which answers. When it was asked again changes nothing."""
    wanted = fact.model_dump_json(exclude={"requested_at"}, exclude_none=True)
    return publish_once(file, fact, content=hashlib.sha256(wanted.encode()).hexdigest())


def own_readings(protocols: Protocols, readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """The readings that a record carries, each in its measure's own unit.

    Raises:
        Refused: one is of no known measure, in another unit, or out of range.
    """
    return tuple(own_reading(protocols, reading, f"/readings/{n}") for n, reading in enumerate(readings))


def own_reading(protocols: Protocols, reading: Reading, pointer: str) -> Reading:
    """The reading in its measure's own unit.

    Raises:
        Refused: no protocol has the measure, its unit can't be converted, or the value can't be one.
    """
    entry = protocols.measure(reading.measure)
    if entry is None:
        raise Refused(
            "No protocol has this measure.",
            pointer=f"{pointer}/measure",
            remedy="Use a measure that a file under protocols/ names.",
        )
    measure = entry.about
    value = measure.in_unit(reading.value, reading.unit)
    if value is None:
        others = f", or send it in one of: {', '.join(measure.converts)} (UCUM)" if measure.converts else ""
        raise Refused(
            f"{measure.measure} is read in {measure.unit}.",
            pointer=f"{pointer}/unit",
            remedy=f"Convert it to {measure.unit}{others}.",
        )
    _check_value(measure, value, pointer)
    if reading.unit == measure.unit:
        return reading
    return reading.model_copy(update={"value": value, "unit": measure.unit})


def _check_value(measure: Measure, value: float, pointer: str) -> None:
    remedy = "Correct the value, or leave the reading out: a missing one does no harm."
    if not measure.low <= value <= measure.high:
        text = f"{measure.measure} lies between {measure.low:g} and {measure.high:g} {measure.unit}."
        raise Refused(text, pointer=f"{pointer}/value", remedy=remedy)
    if measure.by_rater and value % measure.step:
        text = f"{measure.measure} is graded in steps of {measure.step:g}."
        raise Refused(text, pointer=f"{pointer}/value", remedy=remedy)
