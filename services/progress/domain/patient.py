"""The state that facts are decided on: a patient's record, and the verdicts that follow from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple, TypeVar

from services.progress.domain.course import course_at
from services.progress.domain.record import PatientRecord, Published, Reading, Session, Subject
from services.progress.domain.verdicts import Verdicts, judge, judge_on

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient. Only the record counts and is stored; verdicts are remembered to save work."""

    record: PatientRecord
    verdicts: Mapping[str, Verdicts] | None = field(default=None, compare=False, repr=False)
    """By plan id; None where nothing has been judged since the record was loaded."""

    @property
    def key(self) -> str:
        """The patient's key, as `Fact.key`."""
        return self.record.key

    def having_told(self, published: Mapping[Subject, Published]) -> "Patient":
        """The same patient, once more was told to the world."""
        if not published:
            return self
        return replace(self, record=replace(self.record, published={**self.record.published, **published}))


class _Additions(NamedTuple):
    plan_id: str
    session: Session | None
    readings: list[Reading]


def judged_with(patient: Patient, record: PatientRecord) -> tuple[Patient, Iterable[Verdicts]]:
    """The patient with `record`, which keeps one fact more, and the verdicts that may be new by it."""
    known = patient.verdicts
    additions = _additions(patient.record, record) if known else None
    before = known.get(additions.plan_id) if known and additions else None
    if known and additions and before:
        verdicts = judge_on(before, record, additions.session, additions.readings)
        if verdicts:
            return Patient(record, {**known, additions.plan_id: verdicts}), (verdicts,)
    everything = judge(record)
    return Patient(record, {verdicts.course.plan_id: verdicts for verdicts in everything}), everything


def _additions(before: PatientRecord, after: PatientRecord) -> _Additions | None:
    """What `after` has more, if that is a session or readings of one course, and nothing else differs."""
    if not _same_otherwise(before, after):
        return None
    sessions, readings = _added(before.sessions, after.sessions), _added(before.readings, after.readings)
    if sessions is None or readings is None or len(sessions) > 1:
        return None
    session = sessions[0] if sessions else None
    owners = {_owner(after, reading.plan_id, reading.effective_at) for reading in readings}
    if session:
        owners.add(_owner(after, session.plan_id, session.started_at))
    (owner, *others) = owners or {None}
    return None if owner is None or others else _Additions(owner, session, readings)


def _same_otherwise(before: PatientRecord, after: PatientRecord) -> bool:
    """Whether at most sessions and readings differ, and nothing is voided (a void may come first)."""
    return (
        before.plans is after.plans
        and before.adverse_events is after.adverse_events
        and before.answers is after.answers
        and not after.voided_sessions
        and not after.voided_readings
    )


def _added(before: Mapping[str, T], after: Mapping[str, T]) -> list[T] | None:
    """What `after` has more than `before`; None where something was replaced."""
    if before is after:
        return []
    different = [item for key, item in after.items() if before.get(key) is not item]
    return different if len(after) == len(before) + len(different) else None


def _owner(record: PatientRecord, plan_id: str | None, moment: datetime) -> str | None:
    return plan_id or course_at(record, moment)
