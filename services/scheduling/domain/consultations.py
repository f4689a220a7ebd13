"""First consultations: a new patient has no plan yet, so each is the only session of a course of its own."""

from datetime import datetime
from typing import Final, Literal

from services.scheduling.domain.booking import expanded
from services.scheduling.domain.course import Course, Terms
from services.scheduling.domain.diary import Diary
from shared.events.clinical import Phase
from shared.events.scheduling import SlotRequested
from shared.messaging.errors import Refused

_ONCE: Final = Phase(name="consultation", sessions_per_week=1, weeks=1, min_gap_days=1, max_gap_days=7)


def consultation(diary: Diary, plan_id: str, start: datetime, *, minutes: int, skill: str, room_kind: str) -> Course:
    """The course that one consultation from the day of `start` on is."""
    starts_on = diary.calendar.wall_time(start).date()
    terms = Terms(starts_on, (_ONCE,), minutes, skill, room_kind)
    (session,) = expanded(terms.phases, (1,), terms)
    return Course(plan_id, terms=terms, plan_version=1, sessions={1: session})


def with_consultation(diary: Diary, fact: SlotRequested) -> Diary:
    """With the course of a consultation that the fact asks for, where it is not there yet.

    Raises:
        Refused: the clinic has no such practitioner or room.
    """
    if fact.minutes is None or fact.start is None or fact.plan_id in diary.patient.courses:
        return diary
    skill = _offer(diary, "practitioner", fact.practitioner_id)
    kind = _offer(diary, "room", fact.room_id)
    return diary.with_course(
        consultation(diary, fact.plan_id, fact.start, minutes=fact.minutes, skill=skill, room_kind=kind)
    )


def _offer(diary: Diary, kind: Literal["practitioner", "room"], name: str | None) -> str:
    """What somebody or a room is for, the first by name where that is several things."""
    resources = diary.calendar.resources.values()
    found = next((each for each in resources if each.active and (each.kind, each.external_id) == (kind, name)), None)
    if found is None:
        raise Refused(f"The clinic has no {kind} of this id.", pointer=f"/{kind}_id")
    return min(found.offers)
