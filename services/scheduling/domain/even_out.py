"""Planning again, after a visit, what of a course is not firm yet.

A session within the clinic's `firm_days` stays where it is unless somebody asks or it must move. A later one
may still go where its course becomes better: cancellations, missed visits and other people's changes leave
uneven distances behind, and free better times. It moves only where the objective gains more than `MOVING`
for each session that moves, never within bounds that hold now, and the patient is told as of any move.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from services.scheduling.domain.blocks import standing
from services.scheduling.domain.booking import main_practitioners, terms_of
from services.scheduling.domain.course import Appointment, Course
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.objective import MOVING, OTHER_PRACTITIONER, Rules, uneven, week_of
from services.scheduling.domain.openings import Opening
from services.scheduling.domain.paths import Paths, Wanted
from services.scheduling.domain.price import keeps_bounds, price_of, visits_of

_ALL_OF_THEM = Rules(over_quota=True)


def even_out(diary: Diary) -> Diary:
    """The diary with the far sessions of the patient's courses where they are best."""
    for plan_id, course in diary.patient.courses.items():
        kept = standing(course) if course.state == "active" else []
        far = [a for a in kept if a.status == "booked" and diary.calendar.day_of(a.start) >= _firm_until(diary)]
        near = kept[: len(kept) - len(far)]
        mains = main_practitioners(diary, course, kept)[:1] if near and far else []
        for main in mains:
            moved = _moved(diary, course, near, far, main) if _could_gain(diary, course, kept, far, main) else []
            if moved and _worth_it(diary, course, moved, main):
                diary = diary.with_appointments(plan_id, moved)
    return diary


def _could_gain(
    diary: Diary, course: Course, kept: Sequence[Appointment], far: Sequence[Appointment], main: int
) -> bool:
    """Whether the far sessions cost more than whole days must and one move does: most courses need no search."""
    visits = visits_of(diary, course, diary.openings(course))
    extra = 0
    for before, visit in list(pairwise(visits))[len(kept) - len(far) - 1 :]:
        spacing = visit.session.spacing_days
        extra += uneven(visit.day - before.day, spacing) - uneven(round(spacing), spacing)
        extra += OTHER_PRACTITIONER * (visit.practitioner != main) + visit.time
    return extra > MOVING


def _firm_until(diary: Diary) -> int:
    return diary.calendar.day_of(diary.now) + diary.calendar.firm_days


def _moved(
    diary: Diary, course: Course, near: Sequence[Appointment], far: Sequence[Appointment], main: int
) -> list[Appointment]:
    """Those of the far appointments that would be elsewhere."""
    before, first = diary.calendar.day_of(near[-1].start), course.sessions[far[0].sequence]
    last = max(before + first.max_gap_days, diary.calendar.day_of(far[0].start))
    days = range(max(before + first.min_gap_days, _firm_until(diary)), last + 1)
    starts = {day: uneven(day - before, first.spacing_days) for day in days}
    held = Counter(week_of(diary.calendar.day_of(a.start)) for a in near)
    paths = Paths(_wanted(diary, course, far, main), starts, held, _ALL_OF_THEM)
    found = paths.cheapest(main) if starts else None
    places = paths.places(found[1], main) if found else []
    new = (diary.placed(old, at, "spacing") for old, (_, at) in zip(far, places, strict=False) if at)
    return [appointment for appointment in new if appointment not in far]


def _wanted(diary: Diary, course: Course, far: Sequence[Appointment], main: int) -> list[Wanted]:
    """What is with the main practitioner has its price already; the rest may be anywhere."""
    openings = diary.without_claims(far).openings(course)
    wanted: list[Wanted] = []
    for appointment in far:
        session, kept = course.sessions[appointment.sequence], _kept(diary, appointment, main)
        gaps = session.min_gap_days, session.max_gap_days
        wanted.append(Wanted(session, openings, *gaps, kept=kept, moving=MOVING if kept else 0, may_stay_out=False))
    return wanted


def _kept(diary: Diary, appointment: Appointment, main: int) -> Opening | None:
    return diary.opening_of(appointment) if appointment.practitioner == main else None


def _worth_it(diary: Diary, course: Course, moved: Sequence[Appointment], main: int) -> bool:
    openings, wished = diary.openings(course), terms_of(course).starts_on.toordinal()
    after = replace(course, appointments={**course.appointments, **{a.appointment_id: a for a in moved}})
    old, new = visits_of(diary, course, openings), visits_of(diary, after, openings)
    gain = price_of(old, wished, main, 0).total - price_of(new, wished, main, 0).total
    return gain > MOVING * len(moved) and keeps_bounds(terms_of(course), old, new)
