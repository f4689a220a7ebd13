"""Other times for what a changed calendar no longer allows. Nothing else moves.

All that must go is freed at once and placed again, fewest options first; then a large-neighbourhood search
frees a few sessions at a time and places them in another order, for as long as that finds something better.
It takes a fixed number of rounds, in an order that the cause's id seeds: deciding again gives the same.
What finds no time is cancelled and reported (`course.unschedulable`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from services.scheduling.domain.announcing import announce
from services.scheduling.domain.blocks import Block, Found, blocks_of
from services.scheduling.domain.busy import Busy
from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.clocks import back_to_wall_time
from services.scheduling.domain.course import Appointment, ClinicSchedule, Patient
from services.scheduling.domain.diary import Diary, claims
from services.scheduling.domain.openings import Opening
from shared.events.base import Fact
from shared.messaging.message import Decision

ROUNDS = 300
"""Of the search: about a second for 40 sessions."""
_FREED = 4
"""Blocks that are freed in one round."""


def replan(schedule: ClinicSchedule, now: datetime, cause: Fact, *, rounds: int = ROUNDS) -> Decision[ClinicSchedule]:
    """Find other times for the appointments ahead that the schedule's calendar does not allow."""
    known, schedule = schedule, back_to_wall_time(schedule, now)
    assert schedule.calendar
    puzzle = Puzzle.of(schedule, now)
    if not puzzle.blocks and schedule.patients == known.patients:
        return Decision(known)
    busy, found = puzzle.improved(*puzzle.in_turn(), Random(cause.event_id), rounds)  # noqa: S311
    patients, facts = dict(schedule.patients), list[Fact]()
    for name, before in known.patients.items():
        moved = schedule.patients[name]
        for block, (_, openings) in zip(puzzle.blocks, found, strict=True):
            if block.patient_id == name:
                moved = _settled(puzzle.diary(block, busy, moved), block, openings)
        patients[name], told = announce(before, Diary(schedule.calendar, busy, moved, now), cause)
        facts += told
    return Decision(replace(schedule, busy=busy, patients=patients), tuple(facts))


@dataclass(frozen=True, slots=True)
class Puzzle:
    """The blocks that need places, and who is taken by all the others."""

    calendar: ClinicCalendar
    now: datetime
    patients: Mapping[str, Patient]
    blocks: Sequence[Block]
    busy: Busy

    @classmethod
    def of(cls, schedule: ClinicSchedule, now: datetime) -> "Puzzle":
        """Everything that no longer fits, taken out of the calendar."""
        assert schedule.calendar
        blocks, busy = list[Block](), schedule.busy
        for name, patient in schedule.patients.items():
            leaving = {a.appointment_id for _, a in misfits(Diary(schedule.calendar, busy, patient, now))}
            for course in patient.courses.values() if leaving else ():
                blocks += blocks_of(name, course, leaving)
        freed = cls(schedule.calendar, now, schedule.patients, blocks, busy)
        for block in blocks:
            busy = freed.freeing(busy, block, block.leaving)
        return replace(freed, busy=busy)

    def in_turn(self) -> tuple[Busy, list[Found]]:
        """All blocks placed one after another, those with the fewest options first."""
        options = [block.options(self.diary(block, self.busy)) for block in self.blocks]
        order = sorted(range(len(self.blocks)), key=lambda index: (options[index], index))
        busy, placed = self._placed(self.busy, order)
        return busy, [placed[index] for index in range(len(self.blocks))]

    def improved(self, busy: Busy, found: list[Found], chance: Random, rounds: int) -> tuple[Busy, list[Found]]:
        """The same or something cheaper; over as soon as each block has the best place for itself."""
        least, few = self.least(), min(_FREED, len(self.blocks))
        for _ in range(rounds):
            extra = [cost - best for (cost, _), best in zip(found, least, strict=True)]
            if not any(extra):
                break
            dear = chance.choices(range(len(found)), weights=[each**2 for each in extra])[0]
            others = chance.sample([index for index in range(len(found)) if index != dear], few - 1)
            order = [dear, *others]
            freed = busy
            for index in order:
                freed = self.freeing(freed, self.blocks[index], self._at(self.blocks[index], found[index]))
            tried, placed = self._placed(freed, order)
            if sum(cost for cost, _ in placed.values()) < sum(found[index][0] for index in order):
                busy = tried
                found = [placed.get(index, known) for index, known in enumerate(found)]
        return busy, found

    def least(self) -> list[int]:
        """What each block costs as if the others stood nowhere in its way."""
        return [block.place(self.diary(block, self.busy))[0] for block in self.blocks]

    def _placed(self, busy: Busy, order: Sequence[int]) -> tuple[Busy, dict[int, Found]]:
        placed: dict[int, Found] = {}
        for index in order:
            block = self.blocks[index]
            placed[index] = block.place(self.diary(block, busy))
            for resource, start, end in self._claims(block, self._at(block, placed[index])):
                busy = busy.taking(resource, self.calendar.spans(start, end))
        return busy, placed

    def freeing(self, busy: Busy, block: Block, appointments: Sequence[Appointment]) -> Busy:
        """The calendar without appointments of a block."""
        for resource, start, end in self._claims(block, appointments):
            busy = busy.freeing(resource, self.calendar.spans(start, end))
        return busy

    def diary(self, block: Block, busy: Busy, patient: Patient | None = None) -> Diary:
        """The diary of a block's patient."""
        return Diary(self.calendar, busy, patient or self.patients[block.patient_id], self.now)

    def _at(self, block: Block, found: Found) -> list[Appointment]:
        diary = self.diary(block, self.busy)
        return [
            diary.placed(appointment, opening, "")
            for appointment, opening in zip(block.leaving, found[1], strict=True)
            if opening
        ]

    def _claims(self, block: Block, appointments: Sequence[Appointment]) -> Iterator[tuple[int, datetime, datetime]]:
        resource = self.patients[block.patient_id].resource
        for appointment in appointments:
            yield from claims(resource, appointment)


def _settled(diary: Diary, block: Block, openings: Sequence[Opening | None]) -> Patient:
    """The patient with a block's appointments moved, or cancelled where they found no time."""
    course = diary.course(block.plan_id)
    sessions, appointments = dict(course.sessions), dict(course.appointments)
    for index, (old, opening) in enumerate(zip(block.leaving, openings, strict=True)):
        if opening:
            appointments[old.appointment_id] = diary.placed(old, opening, _reason(diary.calendar, old))
        else:
            why = block.why(diary, index)
            sessions[old.sequence] = replace(sessions[old.sequence], unplaced=why)
            appointments[old.appointment_id] = replace(old, state="cancelled", reason="not-bookable")
    return diary.with_course(replace(course, sessions=sessions, appointments=appointments)).patient


def misfits(diary: Diary) -> list[tuple[str, Appointment]]:
    """The patient's appointments ahead that the calendar does not allow, with their plans, earliest first."""
    ahead = (
        (plan_id, appointment)
        for plan_id, course in diary.patient.courses.items()
        for appointment in course.appointments.values()
        if appointment.status == "booked" and appointment.start > diary.now
    )
    return sorted(
        ((plan_id, a) for plan_id, a in ahead if not fits(diary, a)),
        key=lambda found: found[1].start,
    )


def fits(diary: Diary, appointment: Appointment) -> bool:
    """Whether the calendar allows an appointment of the patient, and the clocks show then what they were to show."""
    if diary.calendar.has_shifted(appointment.start, appointment.local_start, appointment.local_zone):
        return False
    return diary.calendar.allows(
        appointment.start, appointment.end, appointment.practitioner, appointment.room, diary.patient.resource
    )


def _reason(calendar: ClinicCalendar, appointment: Appointment) -> str:
    """The practitioner's absence outweighs the room's."""
    spans = calendar.spans(appointment.start, appointment.end)
    away = any(mask & ~calendar.open_minutes(appointment.practitioner, day) for day, mask in spans)
    return "practitioner-away" if away else "room-closed"
