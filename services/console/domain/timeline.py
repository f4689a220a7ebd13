"""What happened in a course and what came of it: from event to decision to message, as a tree.

A fact stands under the one that led to it, where the facts themselves say which that was: a milestone under the
session whose reading confirmed it, an alert under what it is about, a message under its alert. Order and
repetition of the facts leave no trace.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from services.console.domain.links import Key, about, called, moment_of
from services.console.domain.records import Records
from shared.events import console, intake, notifications, operations, progress, scheduling
from shared.events.base import Fact

_LEFT_OUT: Final = (
    intake.PatientRegistered,
    intake.PatientUpdated,
    scheduling.SlotRequested,
    scheduling.AppointmentMoved,
    scheduling.WorkQueueChanged,
    scheduling.DeskActionAnswered,
    notifications.RosterGapFound,
    console.DeskActionRequested,
    console.AlertActionRequested,
    operations.EventsStranded,
    operations.EventsReleased,
    intake.PlanWithheld,
    progress.BaselineSet,
)
"""Told elsewhere on the page, or of no interest to people."""


class Entry(NamedTuple):
    """A fact in its place. `alike` is how many of its kind it stands for, such as the appointments of one booking."""

    at: datetime
    fact: Fact
    under: tuple["Entry", ...]
    alike: int = 1
    voided: bool = False
    """Recorded in error: it does not count."""


def timeline(facts: Iterable[Fact], records: Records, plan_id: str) -> list[Entry]:
    """The course's entries, newest first; what came of each, oldest first."""
    told = [fact for fact in sorted(facts, key=_order) if not isinstance(fact, _LEFT_OUT)]
    of_plan = {fact.event_id for fact in told if _plan_of(fact, records) in {plan_id, None}}
    grouped = list(_grouped(told))
    names = _names(grouped, records, plan_id)
    below: dict[str, list[Fact]] = defaultdict(list)
    roots: list[Fact] = []
    for fact in grouped:
        parent = next((names[key] for key in about(fact) if key in names and names[key] != fact.event_id), None)
        if parent:
            below[parent].append(fact)
        elif fact.event_id in of_plan:
            roots.append(fact)
    alike = _counts(told)
    voided = {one.session.session_id for one in records.sessions if one.voided}
    begun = next((moment_of(plan) for plan in records.plans if plan.plan_id == plan_id), None) or _EPOCH
    entries = [_entry(fact, below, alike, voided, begun) for fact in roots]
    return sorted((entry for entry in entries if _shown(entry, plan_id, records)), key=_newest_first)


_EPOCH: Final = datetime.min.replace(tzinfo=UTC)


def _entry(
    fact: Fact, below: Mapping[str, Sequence[Fact]], alike: Mapping[str, int], voided: set[str], before: datetime
) -> Entry:
    at = moment_of(fact) or before
    under = [_entry(one, below, alike, voided, at) for one in below.get(fact.event_id, ())]
    gone = isinstance(fact, intake.SessionLogged) and fact.session_id in voided
    return Entry(at, fact, tuple(sorted(under, key=lambda one: one.at)), alike.get(_booking(fact), 1), gone)


def _newest_first(entry: Entry) -> tuple[float, str]:
    return -entry.at.timestamp(), entry.fact.event_id


def _order(fact: Fact) -> tuple[datetime, str]:
    return moment_of(fact) or _EPOCH, fact.event_id


def _shown(entry: Entry, plan_id: str, records: Records) -> bool:
    """What names no plan at all is shown where it is the patient's only course, or belongs to it by its time."""
    own = _plan_of(entry.fact, records)
    return own == plan_id or (own is None and len(records.plans) == 1)


def _plan_of(fact: Fact, records: Records) -> str | None:
    """The course that a fact belongs to, as far as anybody knows."""
    match fact:
        case intake.SessionLogged() | intake.SessionVoided():
            return next((one.plan_id for one in records.sessions if one.session.session_id == fact.session_id), None)
        case intake.MeasurementRecorded() | intake.MeasurementCorrected():
            wanted = fact.reading.measurement_id
        case intake.MeasurementVoided():
            wanted = fact.measurement_id
        case intake.ConsultationCompleted():
            return next((p.plan_id for p in records.plans if p.consultation_id == fact.consultation_id), None)
        case _:
            return getattr(fact, "plan_id", None)
    return next((one.plan_id for one in records.readings if one.reading.measurement_id == wanted), None)


def _grouped(facts: Sequence[Fact]) -> Iterator[Fact]:
    """Appointments that were booked together are one entry."""
    seen = set[str]()
    for fact in facts:
        booking = _booking(fact)
        if not booking or booking not in seen:
            seen.add(booking)
            yield fact


def _booking(fact: Fact) -> str:
    return fact.booking_id if isinstance(fact, scheduling.AppointmentBooked) else ""


def _counts(facts: Iterable[Fact]) -> Mapping[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for fact in facts:
        if booking := _booking(fact):
            counts[booking] += 1
    return counts


def _names(facts: Iterable[Fact], records: Records, plan_id: str) -> Mapping[Key, str]:
    """Which fact is called what; the first holds."""
    names: dict[Key, str] = {}
    for fact in facts:
        for key in called(fact):
            names.setdefault(key, fact.event_id)
    held = [one.session for one in records.sessions if one.plan_id == plan_id and not one.voided]
    for number, session in enumerate(held, start=1):
        names["session-number", str(number)] = session.event_id
    return names
