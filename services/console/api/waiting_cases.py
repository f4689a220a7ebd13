"""Sessions without a time as the front desk reads them: with names, what was asked last, and what came of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from services.console.api import waiting_words
from services.console.api.problems import NotFound
from services.console.api.visits import Visit
from services.console.domain.fhir_names import fhir_id
from services.console.domain.waiting import about_session
from services.console.store import patient_with, patients, waiting
from services.console.store.waiting import Queue, Told
from shared.events.scheduling import UnplacedSession
from shared.tokens import Bearer, Role

READERS: Final[tuple[Role, ...]] = ("front-desk", "clinician")


class Case(NamedTuple):
    """One session; without `session` it has a time by now, or needs none."""

    patient_id: str
    patient: str
    plan_id: str
    sequence: int
    session: UnplacedSession | None
    stood: tuple[int, str]
    """What whoever acts has seen: the revision of the queue, and the last request that was answered."""
    asked: str = ""
    """What was just asked for, and is not answered yet."""
    refused: Sequence[str] = ()
    """Why what was asked last can't be, in words."""

    @property
    def about(self) -> str:
        """What requests about it name."""
        return about_session(self.plan_id, self.sequence)


async def cases_of(visit: Visit, queues: Sequence[Queue]) -> list[Case]:
    """A case for each session of the queues."""
    ids = sorted({queue.patient_id for queue in queues})
    names = await patients.names(visit.tx, visit.clinic_id, ids)
    about = [about_session(queue.plan_id, one.sequence) for queue in queues for one in queue.sessions]
    told = await waiting.told(visit.tx, visit.clinic_id, ids, about)
    return [_case(visit, queue, one.sequence, names, told) for queue in queues for one in queue.sessions]


async def case_of(visit: Visit, plan_id: str, sequence: int) -> Case:
    """One session of a course of the clinic.

    Raises:
        NotFound: it has no such course.
    """
    patient_id = await patient_with(visit.tx, visit.clinic_id, "EpisodeOfCare", fhir_id(plan_id))
    if patient_id is None:
        raise NotFound
    queue = await waiting.queue_of(visit.tx, visit.clinic_id, patient_id, plan_id)
    queue = queue or Queue(patient_id, plan_id, 0, ())
    names = await patients.names(visit.tx, visit.clinic_id, [patient_id])
    told = await waiting.told(visit.tx, visit.clinic_id, [patient_id], [about_session(plan_id, sequence)])
    return _case(visit, queue, sequence, names, told)


def _case(visit: Visit, queue: Queue, sequence: int, names: Mapping[str, str], told: Mapping[str, Told]) -> Case:
    about = about_session(queue.plan_id, sequence)
    last = told.get(about)
    stood = (queue.revision, last.request_id if last else "")
    return Case(
        patient_id=queue.patient_id,
        patient=names.get(queue.patient_id, queue.patient_id),
        plan_id=queue.plan_id,
        sequence=sequence,
        session=next((one for one in queue.sessions if one.sequence == sequence), None),
        stood=stood,
        asked=visit.desk.asked.of(about, stood),
        refused=refusal_of(last),
    )


def refusal_of(last: Told | None) -> Sequence[str]:
    """Why what was asked last can't be; nothing where it was done."""
    if last is None or last.outcome != "refused":
        return ()
    return waiting_words.refusal(last.reasons) or [waiting_words.OTHER]


def what_cases_show(visit: Visit) -> dict[str, Any]:
    """What templates of cases need beside the rows."""
    return {
        "now": visit.desk.running.clock.now(),
        "why_no_time": waiting_words.WHY_NO_TIME,
        "settled": waiting_words.SETTLED,
        "weekdays": waiting_words.WEEKDAYS,
        "practitioners": practitioners_of(visit),
        "rooms": rooms_of(visit),
    }


def practitioners_of(visit: Visit) -> Mapping[str, str]:
    """Names by id."""
    clinic = visit.desk.clinics.get(visit.clinic_id)
    return {one.id: one.name for one in clinic.practitioners} if clinic else {}


def rooms_of(visit: Visit) -> Mapping[str, str]:
    """Names by id."""
    clinic = visit.desk.clinics.get(visit.clinic_id)
    return {one.id: one.name for one in clinic.rooms} if clinic else {}


def asking(visit: Visit) -> Bearer:
    """The person as scheduling gets to know them."""
    role: Role = "front-desk" if visit.person.may("front-desk") else "clinician"
    return Bearer(clinic_id=visit.clinic_id, system=visit.person.person_id, role=role)
