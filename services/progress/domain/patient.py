"""The state that facts are decided on: a patient's record, and the verdicts that follow from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.progress.domain.course import course_at
from services.progress.domain.keeping import Added, Kept
from services.progress.domain.news import News
from services.progress.domain.record import PatientRecord
from services.progress.domain.verdicts import Verdicts, judge, judge_on


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


class Change(NamedTuple):
    """The verdicts on one course, and those that were told of before; None where these are not at hand."""

    verdicts: Verdicts
    before: Verdicts | None = None


def judged_with(patient: Patient, kept: Kept) -> tuple[Patient, Sequence[Change]]:
    """The patient with what was kept, and the verdicts that may be new by it."""
    record, known = kept.record, patient.verdicts
    owner = _owner(record, kept.added) if known and kept.added else None
    before = known.get(owner) if known and owner else None
    if known and kept.added and before:
        verdicts = judge_on(before, record, kept.added.session, kept.added.readings)
        if verdicts:
            return Patient(record, {**known, before.course.plan_id: verdicts}), (Change(verdicts, before),)
    everything = judge(record)
    judged = {verdicts.course.plan_id: verdicts for verdicts in everything}
    return Patient(record, judged), [Change(verdicts) for verdicts in everything]


def having_told(patient: Patient, news: Iterable[News]) -> Patient:
    """The same patient, once more was told to the world."""
    published = {**patient.record.published, **{item.subject: item.stands for item in news}}
    return Patient(patient.record._replace(published=published), patient.verdicts)


def _owner(record: PatientRecord, added: Added) -> str | None:
    """The one course that everything added belongs to; None where there is none, or where a void may precede it."""
    if record.voided_sessions or record.voided_readings:
        return None
    owners = {reading.plan_id or course_at(record, reading.effective_at) for reading in added.readings}
    if added.session:
        owners.add(added.session.plan_id or course_at(record, added.session.started_at))
    return owners.pop() if len(owners) == 1 else None
