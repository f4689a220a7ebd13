"""Alerts as people read them: with names, in words; on the list, and after somebody did something."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from services.console.api.alert_titles import alert_title
from services.console.api.problems import NotFound
from services.console.api.visits import Visit
from services.console.api.words import N_
from services.console.domain.alerts import CLINICAL, Alert
from services.console.store import alerts, patients
from shared.clinics import StaffMember
from shared.tokens import Role

READERS: Final[tuple[Role, ...]] = ("clinician", "front-desk", "operator")

KINDS: Final[Mapping[str, str]] = {
    "milestone": N_("Milestone"),
    "milestone-retracted": N_("Milestone taken back"),
    "milestone-not-evaluable": N_("Milestone not judged"),
    "regression": N_("Got worse"),
    "plateau": N_("Standstill"),
    "adverse-event": N_("Adverse event"),
    "adjustment-proposed": N_("Decision awaited"),
    "plan-review-due": N_("Review due"),
    "plan-withheld": N_("No plan made"),
    "course-unschedulable": N_("Not bookable"),
    "rebooking-wished": N_("Another time wished"),
    "roster-gap": N_("Gap in the roster"),
    "events-stranded": N_("Events wait"),
}
"""What an alert is about, in few words; a kind that is not here is shown as it is."""
SEVERITIES: Final[Mapping[str, str]] = {"critical": N_("critical"), "warning": N_("warning"), "info": N_("info")}
SNOOZES: Final[Mapping[str, str]] = {
    "1h": N_("1 hour"),
    "4h": N_("4 hours"),
    "1d": N_("Tomorrow at 8"),
    "3d": N_("In 3 days at 8"),
    "7d": N_("In a week at 8"),
}


class Row(NamedTuple):
    """An alert with what people call its patient and its owner."""

    alert: Alert
    patient_id: str
    patient: str
    owner: str
    title: str
    """In the reader's language where it is known in that."""
    asked: str = ""
    """What was just asked for, and is not done yet."""


async def row_of(visit: Visit, alert_id: str) -> Row:
    """One alert of the clinic.

    Raises:
        NotFound: it has none of that id that the person may see.
    """
    found = await alerts.find(visit.tx, visit.clinic_id, alert_id)
    if found is None or found[1].kind in hidden_from(visit):
        raise NotFound
    (row,) = await rows_of(visit, [found])
    return row


def what_rows_show(visit: Visit) -> dict[str, Any]:
    """What templates of alerts need beside the rows."""
    now = visit.desk.running.clock.now()
    return {"kinds": KINDS, "severities": SEVERITIES, "now": now, "staff": staff_of(visit), "snoozes": SNOOZES}


def staff_of(visit: Visit) -> Sequence[StaffMember]:
    """Who may be given an alert."""
    clinic = visit.desk.clinics.get(visit.clinic_id)
    return clinic.staff if clinic else ()


def hidden_from(visit: Visit) -> Sequence[str]:
    """Kinds that tell how somebody's treatment goes are the clinicians'."""
    return () if visit.person.may("clinician") else sorted(CLINICAL)


async def rows_of(visit: Visit, found: Sequence[tuple[str, Alert]]) -> list[Row]:
    """The alerts with names, where the person may know those of patients."""
    ids = {patient_id for patient_id, _ in found}
    names = await patients.names(visit.tx, visit.clinic_id, ids) if visit.person.knows_names else {}
    reader = visit.reader
    staff, asked = {member.id: member.name for member in staff_of(visit)}, visit.desk.asked
    return [
        Row(
            alert,
            patient_id,
            patient=names.get(patient_id, patient_id),
            owner=staff.get(alert.owner or "", alert.owner or ""),
            title=alert_title(alert.kind, alert.title, reader),
            asked=asked.of(alert.alert_id, alert.revision),
        )
        for patient_id, alert in found
    ]
