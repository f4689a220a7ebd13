"""Who the patients are: the newest details hold, in whatever order they come."""

from datetime import datetime

from services.intake.domain.chart import PatientFile
from services.intake.domain.consultations import join
from services.intake.domain.inputs import PatientRead
from services.intake.domain.recording import record
from shared.events.intake import PatientRegistered, PatientUpdated
from shared.messaging.message import Decision


def register(file: PatientFile, fact: PatientRegistered, now: datetime) -> Decision[PatientFile]:
    """A patient is known to the clinic. Details that came before with a revision stay."""
    recorded = record(file, fact)
    if recorded is None:
        return Decision(file)
    known = file.chart.contact is not None
    return join(recorded if known else recorded.with_chart(contact=fact.contact), (fact,))


def update(file: PatientFile, fact: PatientUpdated, now: datetime) -> Decision[PatientFile]:
    """The details changed; those of the highest revision hold."""
    recorded = record(file, fact)
    if recorded is None:
        return Decision(file)
    newer = fact.revision > file.chart.revision
    changed = recorded.with_chart(contact=fact.contact, revision=fact.revision) if newer else recorded
    return join(changed, (fact,))


def read_patient(file: PatientFile, read: PatientRead, now: datetime) -> Decision[PatientFile]:
    """A FHIR Patient becomes a registration, an update, or nothing where it says nothing new."""
    chart = file.chart
    revision = read.revision or chart.revision + 1
    if chart.contact == read.contact or (chart.contact and revision <= chart.revision):
        return Decision(file)
    who = {"clinic_id": read.clinic_id, "patient_id": read.patient_id, "contact": read.contact}
    moment = {"recorded_at": read.recorded_at or now}
    if chart.contact is None:
        registered = PatientRegistered.model_validate(who | moment)
        recorded = record(file, registered) or file
        return join(recorded.with_chart(contact=read.contact, revision=read.revision or 0), (registered,))
    return update(file, PatientUpdated.model_validate(who | moment | {"revision": revision}), now)
