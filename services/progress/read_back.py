"""How progress is rebuilt from the log: it judges again, and what it has told stays told."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from services.progress.domain.patient import Patient
from services.progress.domain.telling import told_by
from shared.events.base import Fact
from shared.messaging.message import Decision
from shared.rebuild.read_back import Compared, ReadBack


def _as_told(before: Patient, decision: Decision[Patient], told: Sequence[Fact]) -> Patient:
    """What was kept is kept; what was told is what the log has, not what would be told now."""
    record, known = decision.state.record, before.record.published
    published = {**known, **told_by(record._replace(published=known), told)}
    return replace(decision.state, record=record._replace(published=published))


READ_BACK: Final = ReadBack(
    settle=_as_told,
    takes_new=True,
    tables={"patient": Compared(left_out=frozenset({"version"}))},
)
