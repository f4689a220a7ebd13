"""Changes of single appointments: cancelled, moved, missed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.scheduling.domain.booking import START_WITHIN_DAYS, main_practitioners, new_appointment
from services.scheduling.domain.calendar import minutes_since_1970
from services.scheduling.domain.course import Appointment, ChangeRequest, Course, Unplaced
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.openings import Openings
from services.scheduling.domain.placing import Place, Wanted, Window, place_again
from services.scheduling.domain.unplaced import why_unplaced

_MOVING = 10**6
"""Others are moved only where a gap bound breaks."""


def take_requests(diary: Diary) -> Diary:
    """Take every request whose appointment is known by now, in the order in which they were made.

    The others wait: a request may come before its appointment.
    """
    waiting = sorted(
        (request for request in diary.patient.requests.values() if not request.taken),
        key=lambda request: (request.requested_at, request.request_id),
    )
    for request in waiting:
        found = _find(diary, request.appointment_id)
        if found:
            changed = _take(_marked(diary, request), *found, request)
            return take_requests(changed)
    return diary


def _find(diary: Diary, appointment_id: str) -> tuple[Course, Appointment] | None:
    for course in diary.patient.courses.values():
        if appointment_id in course.appointments:
            return course, course.appointments[appointment_id]
    return None


def _marked(diary: Diary, request: ChangeRequest) -> Diary:
    requests = {**diary.patient.requests, request.request_id: replace(request, taken=True)}
    return replace(diary, patient=replace(diary.patient, requests=requests))


def _take(diary: Diary, course: Course, appointment: Appointment, request: ChangeRequest) -> Diary:
    """What is no longer booked can't be changed: a second cancellation has no effect."""
    if appointment.status != "booked":
        return diary
    if request.change == "move":
        return _move(diary, course, appointment, request.not_before) if course.ended_at is None else diary
    missed = request.change == "no-show"
    gone = replace(appointment, state="noshow" if missed else "cancelled", reason="" if missed else "requested")
    diary = diary.with_appointments(course.plan_id, [gone])
    if course.ended_at is not None:
        return diary
    if missed or request.rebook:
        return _replace(diary, diary.course(course.plan_id), gone)
    given_up = {**course.sessions, gone.sequence: replace(course.sessions[gone.sequence], given_up=True)}
    return diary.with_course(replace(diary.course(course.plan_id), sessions=given_up))


def _replace(diary: Diary, course: Course, gone: Appointment) -> Diary:
    """Book another appointment for the session of one that will not, or did not, take place."""
    session = course.sessions[gone.sequence]
    search = _Search(diary, course, gone, None)
    places = search.places()
    day, opening = places[0]
    if opening is None:
        sessions = {**course.sessions, gone.sequence: replace(session, unplaced=search.why(day))}
        return diary.with_course(replace(course, sessions=sessions))
    replacement = replace(new_appointment(diary, course, session), replaces=gone.appointment_id)
    first = diary.placed(replacement, opening, "")
    return diary.with_appointments(course.plan_id, [first, *search.spaced(places[1:])])


def _move(diary: Diary, course: Course, appointment: Appointment, not_before: datetime | None) -> Diary:
    search = _Search(diary.without_claims([appointment]), course, appointment, not_before)
    places = search.places()
    day, opening = places[0]
    if opening is None:
        report = (course.plan_id, appointment.sequence, search.why(day))
        return replace(diary, unmoved=(*diary.unmoved, report))
    first = diary.placed(appointment, opening, "requested")
    return diary.with_appointments(course.plan_id, [first, *search.spaced(places[1:])])


@dataclass(frozen=True, slots=True)
class _Search:
    """Another time for one appointment, between what was before it and what comes after it."""

    diary: Diary
    course: Course
    leaving: Appointment
    not_before: datetime | None

    def places(self) -> list[Place]:
        """A place for the leaving appointment's session, and for each later appointment."""
        openings = self._openings()
        main = main_practitioners(self.diary, self.course, [self.leaving])
        if not main or not openings.rooms:
            return [(self._day(self.leaving), None), *self._as_they_are()]
        window = self._window()
        first = Wanted(
            self.course.sessions[self.leaving.sequence],
            openings.restricted(earliest=self._earliest(), avoid=self._left()),
            window.ideal,
            0,
            0,
            out_on=self._day(self.leaving),
        )
        wanted = [first, *self._kept(openings)]
        return place_again(wanted, window, main[0]) or [(self._day(self.leaving), None), *self._as_they_are()]

    def spaced(self, places: Sequence[Place]) -> list[Appointment]:
        """The later appointments that had to move."""
        found = zip(self._later(), places, strict=True)
        after = [(old, self.diary.placed(old, opening, "spacing")) for old, (_, opening) in found if opening]
        return [new for old, new in after if new is not old]

    def why(self, day: int) -> Unplaced:
        """Why the session found no other time."""
        window = self._window()
        assert self.course.terms
        return why_unplaced(self._openings(), self.course.terms, max(window.first, self.diary.first_day), window.last)

    def _openings(self) -> Openings:
        return self.diary.without_claims(self._later()).openings(self.course)

    def _later(self) -> list[Appointment]:
        """What is booked after the leaving appointment and may still be moved."""
        after = max(self.leaving.start, self.diary.now)
        later = [a for a in self.course.appointments.values() if a.status == "booked" and a.start > after]
        return sorted((a for a in later if a is not self.leaving), key=lambda a: a.start)

    def _kept(self, openings: Openings) -> list[Wanted]:
        """The later appointments; a gap that is out of bounds already is not mended on this occasion."""
        wanted: list[Wanted] = []
        before = self._day(self.leaving)
        for appointment in self._later():
            day = self._day(appointment)
            session = self.course.sessions[appointment.sequence]
            gaps = (min(session.min_gap_days, day - before), max(session.max_gap_days, day - before))
            kept = self.diary.opening_of(appointment)
            wanted.append(Wanted(session, openings, day, *gaps, kept=kept, moving=_MOVING, may_stay_out=False))
            before = day
        return wanted

    def _as_they_are(self) -> list[Place]:
        return [(self._day(a), self.diary.opening_of(a)) for a in self._later()]

    def _window(self) -> Window:
        """The days for the new time: by the gap to the session before, or by the course's start."""
        left, session = self._day(self.leaving), self.course.sessions[self.leaving.sequence]
        soonest = max(self.diary.first_day, self._day_of(self._earliest()))
        before = self._day_before()
        first = before + min(session.min_gap_days, left - before) if before else min(left, self._start_day())
        last = max(before + session.max_gap_days, left) if before else left + START_WITHIN_DAYS
        # Where the bound can't be kept any more, or the patient wishes otherwise, soon is good enough.
        last = last if last >= soonest else soonest + session.max_gap_days
        return Window(first, max(left, soonest), last)

    def _day_before(self) -> int:
        """The day of the last session before the leaving one that was or will be held; 0 where there is none."""
        held = (a for a in self.course.appointments.values() if a.status in ("booked", "fulfilled"))
        return max((self._day(a) for a in held if a.start < self.leaving.start), default=0)

    def _earliest(self) -> int:
        return minutes_since_1970(self.not_before) if self.not_before else 0

    def _left(self) -> tuple[int, int]:
        return minutes_since_1970(self.leaving.start), minutes_since_1970(self.leaving.end)

    def _start_day(self) -> int:
        return self.course.terms.starts_on.toordinal() if self.course.terms else 0

    def _day(self, appointment: Appointment) -> int:
        return self.diary.calendar.day_of(appointment.start)

    def _day_of(self, minute: int) -> int:
        return self.diary.calendar.day_of(datetime.fromtimestamp(minute * 60, self.diary.calendar.zone))
