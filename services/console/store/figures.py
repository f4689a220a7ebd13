"""The clinic's weekly figures: a patient's part is marked as due when facts come, and counted anew soon after.

Counting reads all that figures rest on of the patient: done once for many facts, it does not slow them down. A page
reads the clinic's sums, which follow each count: a clinic of 5,000 courses has 100,000 parts, and 100 sums.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.domain.patient_file import FiguresDue, PatientFile
from services.console.domain.weekly import WEIGHED, Share, shares_of
from services.console.store.rows import run
from shared.events.base import Fact
from shared.messaging import wire

_MARK = text("""
    INSERT INTO recount (clinic_id, patient_id)
    SELECT * FROM unnest(CAST(:clinic_id AS text[]), CAST(:patient_id AS text[])) ON CONFLICT DO NOTHING
""")
_DUE = text("SELECT clinic_id, patient_id FROM recount LIMIT :most")
_DONE = text("""
    DELETE FROM recount USING unnest(CAST(:clinic_id AS text[]), CAST(:patient_id AS text[])) AS done (clinic, patient)
    WHERE (recount.clinic_id, recount.patient_id) = (done.clinic, done.patient)
""")
_LOAD = text("""
    SELECT clinic_id, patient_id, type, payload::text AS payload FROM fact
    JOIN unnest(CAST(:clinics AS text[]), CAST(:patients AS text[])) AS wanted (clinic_id, patient_id)
        USING (clinic_id, patient_id)
    WHERE type = ANY(:types)
""")
_CLEAR = text("""
    DELETE FROM weekly USING unnest(CAST(:clinic_id AS text[]), CAST(:patient_id AS text[])) AS gone (clinic, patient)
    WHERE (weekly.clinic_id, weekly.patient_id) = (gone.clinic, gone.patient)
    RETURNING weekly.clinic_id, protocol_id, figure, unit, week, total, number
""")
_ADD = text("""
    INSERT INTO weekly (clinic_id, patient_id, plan_id, figure, week, protocol_id, unit, total, number)
    SELECT * FROM unnest(CAST(:clinic_id AS text[]), CAST(:patient_id AS text[]), CAST(:plan_id AS text[]),
        CAST(:figure AS text[]), CAST(:week AS date[]), CAST(:protocol_id AS text[]), CAST(:unit AS text[]),
        CAST(:total AS double precision[]), CAST(:number AS integer[]))
""")
_TOTALS = text("""
    INSERT INTO weekly_total AS known (clinic_id, protocol_id, figure, unit, week, total, number)
    SELECT * FROM unnest(CAST(:clinic_id AS text[]), CAST(:protocol_id AS text[]), CAST(:figure AS text[]),
        CAST(:unit AS text[]), CAST(:week AS date[]), CAST(:total AS numeric[]), CAST(:number AS bigint[]))
    ON CONFLICT (clinic_id, protocol_id, figure, unit, week) DO UPDATE
    SET total = known.total + excluded.total, number = known.number + excluded.number
""")
_EMPTY = text("""
    DELETE FROM weekly_total USING unnest(CAST(:clinic_id AS text[]), CAST(:protocol_id AS text[]),
        CAST(:figure AS text[]), CAST(:unit AS text[]), CAST(:week AS date[])) AS told (clinic, protocol, what, of, at)
    WHERE (clinic_id, protocol_id, figure, unit, week) = (clinic, protocol, what, of, at) AND number = 0
""")
_FIGURES = text("""
    SELECT protocol_id, figure, unit, week, CAST(total / number AS double precision) AS value, number
    FROM weekly_total WHERE clinic_id = :clinic_id AND week >= :since AND week <= :until
    ORDER BY protocol_id, figure, unit, week
""")
_KEY: Final = ("clinic_id", "patient_id")
_TOTAL: Final[Sequence[str]] = ("clinic_id", "protocol_id", "figure", "unit", "week", "total", "number")
_TYPES: Final = sorted(fact.wire_type() for fact in WEIGHED)
_Id = tuple[str, str]


class WeekRow(NamedTuple):
    """A figure of one protocol in one week, over all courses of the clinic."""

    protocol_id: str
    figure: str
    unit: str
    week: date
    value: float
    number: int


async def mark(tx: AsyncConnection, files: Iterable[PatientFile]) -> None:
    """The patients of whom something came that figures rest on."""
    due = {
        (file.clinic_id, file.patient_id) for file in files if not WEIGHED.isdisjoint(map(type, file.added.values()))
    }
    await run(tx, _MARK, _KEY, list(due))


async def due(tx: AsyncConnection, most: int) -> list[FiguresDue]:
    """Patients whose part is to be counted anew."""
    rows = await tx.execute(_DUE, {"most": most})
    return [FiguresDue(clinic_id=row.clinic_id, patient_id=row.patient_id) for row in rows.all()]


async def recount(tx: AsyncConnection, ids: Sequence[_Id]) -> None:
    """Count these patients' part anew, from all that is kept of them now."""
    if not ids:
        return
    await run(tx, _DONE, _KEY, ids)
    clinics, patients = map(list, zip(*sorted(ids), strict=True))
    gone = (await tx.execute(_CLEAR, {"clinic_id": clinics, "patient_id": patients})).all()
    found = await _weighed(tx, sorted(ids))
    shares = [(*id_, *share) for id_, facts in found.items() for share in shares_of(facts)]
    await run(tx, _ADD, (*_KEY, *Share._fields), shares)
    await _change_totals(tx, gone, shares)


async def _change_totals(tx: AsyncConnection, gone: Iterable[Sequence[Any]], come: Iterable[Sequence[Any]]) -> None:
    """The clinics' sums, less what was and with what is. In decimals: what is taken away again leaves no trace."""
    sums: dict[tuple[Any, ...], tuple[Decimal, int]] = defaultdict(lambda: (Decimal(0), 0))
    for *about, total, number in gone:
        sums[tuple(about)] = _plus(sums[tuple(about)], -_exact(total), -number)
    for clinic_id, _, _, figure, week, protocol_id, unit, total, number in come:
        about = (clinic_id, protocol_id, figure, unit, week)
        sums[about] = _plus(sums[about], _exact(total), number)
    changed = sorted((*about, *sum_) for about, sum_ in sums.items() if any(sum_))
    if changed:
        columns: dict[str, Any] = dict(zip(_TOTAL, map(list, zip(*changed, strict=True)), strict=True))
        await tx.execute(_TOTALS, columns)
        await tx.execute(_EMPTY, {name: columns[name] for name in _TOTAL[:5]})


def _exact(total: float) -> Decimal:
    """A course's part, to nine places."""
    return round(Decimal(total), 9)


def _plus(sum_: tuple[Decimal, int], total: Decimal, number: int) -> tuple[Decimal, int]:
    return sum_[0] + total, sum_[1] + number


async def _weighed(tx: AsyncConnection, ids: Sequence[_Id]) -> Mapping[_Id, list[Fact]]:
    clinics, patients = map(list, zip(*ids, strict=True))
    asked: dict[str, Any] = {"clinics": clinics, "patients": patients, "types": _TYPES}
    found: dict[_Id, list[Fact]] = {}
    for row in (await tx.execute(_LOAD, asked)).all():
        fact = wire.read_fact(wire.known_type(row.type), row.payload.encode())
        found.setdefault((row.clinic_id, row.patient_id), []).append(fact)
    return found


async def weekly_figures(tx: AsyncConnection, clinic_id: str, since: date, until: date) -> list[WeekRow]:
    """The clinic's figures of the weeks `since` to `until`, by protocol, figure and week."""
    rows = await tx.execute(_FIGURES, {"clinic_id": clinic_id, "since": since, "until": until})
    return [WeekRow._make(row) for row in rows.all()]
