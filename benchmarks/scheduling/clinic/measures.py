"""What a run of the simulated clinic was worth.

All of it is about what happened after the warm-up:

- spacing: share of the gaps between two sessions held one after another that are within one day of what the
  phase of the later one asks for (a stricter measure than the phase's own bounds, see `within_bounds`);
- within_bounds: share of them within the phase's least and longest gap;
- continuity: share of a course's held sessions that one practitioner held, over all courses;
- days_to_first: calendar days from a plan's coming to its first held session, 0 on the same day; the plans of
  the last three weeks count if they have begun;
- use: share of the practitioners' open hours in which a session was held, with the buffer that follows it;
- refill: share of the minutes that were cancelled on the day before in which the practitioner had somebody else;
- offers_per_slot: all offers, also of time that an accepted offer or a move left, for each slot cancelled so;
- moves_per_course: appointments that were moved without anybody's asking, for each plan that came.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from statistics import fmean

from benchmarks.scheduling.clinic.setting import OPEN_MINUTES_A_WEEK, OPENS, WEEK
from benchmarks.scheduling.clinic.world import World
from services.scheduling.domain.course import Appointment

_YOUNG = timedelta(weeks=3)


@dataclass(frozen=True, slots=True)
class Gap:
    """Two sessions one after another: days between them, what the phase asks for, and its bounds."""

    days: int
    wished: float
    shortest: int
    longest: int


def measures(world: World) -> dict[str, float]:
    """The measures by name."""
    gaps, freed = list(_gaps(world)), world.freed
    weeks = world.setting.weeks - world.setting.warm_up
    held = [appointment for _, appointment in world.held if world.measured(appointment.start)]
    minutes = sum(_minutes(appointment) for appointment in held)
    came = [patient for patient, at in world.came.items() if world.measured(at)]
    return {
        "spacing": fmean(abs(gap.days - gap.wished) <= 1 for gap in gaps),
        "within_bounds": fmean(gap.shortest <= gap.days <= gap.longest for gap in gaps),
        "continuity": _continuity(world),
        "days_to_first": fmean(_waits(world, came)),
        "use": minutes / (OPEN_MINUTES_A_WEEK * weeks),
        "refill": fmean(each.refilled for each in freed),
        "offers_per_slot": world.offers / len(freed),
        "moves_per_course": world.moved / len(came),
    }


def _by_patient(world: World) -> dict[str, list[Appointment]]:
    held: dict[str, list[Appointment]] = {}
    for patient, appointment in sorted(world.held, key=lambda each: each[1].start):
        held.setdefault(patient, []).append(appointment)
    return held


def _gaps(world: World) -> Iterator[Gap]:
    for patient, held in _by_patient(world).items():
        (course,) = world.schedule.patients[patient].courses.values()
        for before, after in pairwise(held):
            if world.measured(after.start):
                session = course.sessions[after.sequence]
                days = after.start.toordinal() - before.start.toordinal()
                yield Gap(days, session.spacing_days, session.min_gap_days, session.max_gap_days)


def _continuity(world: World) -> float:
    courses = [held for held in _by_patient(world).values() if world.measured(held[-1].start)]
    who = [[appointment.practitioner for appointment in held] for held in courses]
    return sum(max(map(each.count, each)) for each in who) / sum(map(len, who))


def _waits(world: World, came: list[str]) -> Iterator[int]:
    end, held = OPENS + WEEK * world.setting.weeks, _by_patient(world)
    for patient in came:
        at = world.came[patient]
        begun = patient in held
        if begun or at < end - _YOUNG:
            first = held[patient][0].start if begun else end
            yield first.toordinal() - at.toordinal()


def _minutes(appointment: Appointment) -> int:
    return (appointment.end - appointment.start) // timedelta(minutes=1) + appointment.buffer_minutes
