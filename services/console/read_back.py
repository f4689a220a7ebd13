"""How the console is rebuilt from the log: it keeps every fact again; who signed in and did what is taken over."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from services.console.domain.patient_file import FiguresDue
from shared.rebuild.read_back import Compared, ReadBack

_DUE: Final = "SELECT clinic_id, patient_id FROM recount ORDER BY clinic_id, patient_id"
_COUNTED: Final = """
    NOT EXISTS (SELECT FROM console.recount AS due WHERE (due.clinic_id, due.patient_id) = (t.clinic_id, t.patient_id))
"""
_ALL_COUNTED: Final = "NOT EXISTS (SELECT FROM console.recount AS due WHERE due.clinic_id = t.clinic_id)"


def _last(_: datetime) -> tuple[str, dict[str, Any], Callable[[Any], FiguresDue]]:
    return _DUE, {}, lambda row: FiguresDue(clinic_id=row.clinic_id, patient_id=row.patient_id)


READ_BACK: Final = ReadBack(
    finish=(
        "DELETE FROM {rebuilt}.session",
        "DELETE FROM {rebuilt}.entry_link",
        "INSERT INTO {rebuilt}.session SELECT * FROM {running}.session",
        "INSERT INTO {rebuilt}.entry_link SELECT * FROM {running}.entry_link",
        "INSERT INTO {rebuilt}.audit SELECT * FROM {running}.audit ON CONFLICT DO NOTHING",
    ),
    last=_last,
    tables={
        "sign_in_attempt": Compared(where="false"),
        "recount": Compared(where="false"),
        # What is due to be counted anew in the running tables differs for a moment.
        "weekly": Compared(where=_COUNTED),
        "weekly_total": Compared(where=_ALL_COUNTED),
    },
    not_in_log=("who has signed in, and the audit trail of what they saw and did",),
)
