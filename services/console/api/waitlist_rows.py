"""The waitlist as the front desk reads it: freed times with whom they were offered to, and who wants offers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from services.console.api.problems import NotFound
from services.console.api.visits import Visit
from services.console.api.waiting_cases import refusal_of
from services.console.domain.fhir_names import fhir_id
from services.console.store import diary, facts_of, patient_with, patients, waiting
from services.console.store.waiting import Offer, Told, Wish
from shared.events.intake import PlanCreated


class Offered(NamedTuple):
    """One patient's offer of a time."""

    patient_id: str
    patient: str
    plan_id: str
    sequence: int
    offer: Offer
    state: str
    """`open`, `accepted`, `declined` or `expired`."""
    stood: tuple[str, str]
    asked: str
    refused: Sequence[str]

    @property
    def about(self) -> str:
        """What requests about it name."""
        return self.offer.offer_id


class FreedTime(NamedTuple):
    """A time that became free, and who was asked, one after another."""

    start_at: datetime
    practitioner_id: str
    room_id: str
    offered: Sequence[Offered]

    @property
    def open(self) -> bool:
        """Whether somebody can still answer."""
        return any(one.state == "open" for one in self.offered)


class Waits(NamedTuple):
    """A course, and whether its patient wants to be asked."""

    patient_id: str
    patient: str
    plan_id: str
    wanted: bool | None
    """None where nobody has said anything."""
    since: datetime | None
    stood: tuple[object, str]
    asked: str
    refused: Sequence[str]
    next_at: datetime | None = None
    """When the course's next appointment begins; None where none is booked."""

    @property
    def about(self) -> str:
        """What requests about it name."""
        return self.plan_id


async def freed_times(visit: Visit, since: datetime, most: int) -> list[FreedTime]:
    """The times that were offered, by start; those that can still be answered first."""
    found = await waiting.offers(visit.tx, visit.clinic_id, since, most)
    rows = await offered(visit, found)
    grouped = groupby(rows, key=lambda one: (one.offer.start_at, one.offer.practitioner_id))
    times = [FreedTime(start, who, _room(ones), ones) for (start, who), ones in ((key, list(g)) for key, g in grouped)]
    return sorted(times, key=lambda time: not time.open)


def _room(ones: Sequence[Offered]) -> str:
    return ones[0].offer.room_id


async def offered(visit: Visit, found: Sequence[Offer]) -> list[Offered]:
    """The offers with names, and what was asked of them last."""
    ids = sorted({one.patient_id for one in found})
    names = await patients.names(visit.tx, visit.clinic_id, ids)
    told = await waiting.told(visit.tx, visit.clinic_id, ids, [one.offer_id for one in found])
    now = visit.desk.running.clock.now()
    return [_offered(visit, one, names, told.get(one.offer_id), now) for one in found]


def _offered(visit: Visit, offer: Offer, names: Mapping[str, str], last: Told | None, now: datetime) -> Offered:
    state = offer.state(now)
    stood = (state, last.request_id if last else "")
    return Offered(
        patient_id=offer.patient_id,
        patient=names.get(offer.patient_id, offer.patient_id),
        plan_id=offer.plan_id,
        sequence=offer.sequence,
        offer=offer,
        state=state,
        stood=stood,
        asked=visit.desk.asked.of(offer.offer_id, stood),
        refused=refusal_of(last),
    )


async def who_waits(visit: Visit, most: int) -> list[Waits]:
    """Whoever has said something of offers: those who want them first, longest first."""
    found = await waiting.wishes(visit.tx, visit.clinic_id, most)
    return await waits_of(visit, [(wish.patient_id, wish.plan_id) for wish in found])


async def waits_of(visit: Visit, courses: Sequence[tuple[str, str]]) -> list[Waits]:
    """Courses, each a patient and a plan: as they stand on the waitlist, or could be put there."""
    ids, plans = sorted({patient for patient, _ in courses}), [plan for _, plan in courses]
    names = await patients.names(visit.tx, visit.clinic_id, ids)
    said = {wish.plan_id: wish for wish in await waiting.wishes_of(visit.tx, visit.clinic_id, ids)}
    told = await waiting.told(visit.tx, visit.clinic_id, ids, plans)
    next_ = await diary.next_starts(visit.tx, visit.clinic_id, ids, visit.desk.running.clock.now())
    return [
        _waits(visit, patient, names.get(patient, ""), plan, wish=said.get(plan), last=told.get(plan))._replace(
            next_at=next_.get((patient, plan))
        )
        for patient, plan in courses
    ]


def _waits(visit: Visit, patient_id: str, name: str, plan_id: str, *, wish: Wish | None, last: Told | None) -> Waits:
    stood = (wish and wish.recorded_at, last.request_id if last else "")
    return Waits(
        patient_id=patient_id,
        patient=name or patient_id,
        plan_id=plan_id,
        wanted=wish.wanted if wish else None,
        since=wish.recorded_at if wish else None,
        stood=stood,
        asked=visit.desk.asked.of(plan_id, stood),
        refused=refusal_of(last),
    )


async def course_on_list(visit: Visit, plan_id: str) -> Waits:
    """One course of the clinic as it stands on the waitlist.

    Raises:
        NotFound: the clinic has no such course.
    """
    patient_id = await patient_with(visit.tx, visit.clinic_id, "EpisodeOfCare", fhir_id(plan_id))
    facts = await facts_of(visit.tx, visit.clinic_id, patient_id) if patient_id else []
    plans = (fact.plan_id for fact in facts if isinstance(fact, PlanCreated))
    plan_id = next((known for known in plans if plan_id in {known, fhir_id(known)}), "")
    if not patient_id or not plan_id:
        raise NotFound
    (row,) = await waits_of(visit, [(patient_id, plan_id)])
    return row
