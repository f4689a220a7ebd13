"""Whether a large database slows progress down: the same work over few stored courses and over many.

The many are copies of courses that the service itself has stored, made inside PostgreSQL; so are the inbox rows.
`of_small` gives the same number of patients work, drawn at random from all that are stored, so that only the
size of the tables differs; `spread` gives each event another patient, so that nothing is remembered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from statistics import median
from typing import Any

from benchmarks.contestants import Stride
from benchmarks.ground import Ground, beside
from benchmarks.measure import Measured, measure
from benchmarks.records import Record, as_record
from benchmarks.workload import FIRST_DAY, Work, later_outcome, outcomes, patient_id, plan
from services.progress.tables import METADATA
from stride.embedded.servers import Report, silent

_CLINIC = "growth"
_STORED_TURNS = 10
_SLICE, _WARM = 100, 1_000
_INBOX_BYTES = "SELECT pg_total_relation_size('progress.inbox')"
_NOW = FIRST_DAY + timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Size:
    """How many courses and inbox rows are stored."""

    courses: int
    inbox: int
    few: int = 1_000
    """Courses of the small database, and of what is copied for the large one."""


async def growth(
    on: Ground, *, events: int, rounds: int, seed: int, size: Size, report: Report = silent
) -> dict[str, Any]:
    """Throughput on a small database and on a grown one, in turns."""
    copies, few_courses = size.courses // size.few, size.few
    runs: dict[str, list[Measured]] = {"small": [], "large": [], "spread": []}
    async with beside(on, "growth_small") as few, beside(on, "growth_large") as many:
        for each in (few, many):
            await _template(each, seed, few_courses, report)
        await _grow(many, copies, size, report)
        for each in (few, many):
            await each.database.execute("VACUUM (ANALYZE)", timeout=900)
        for number in range(rounds):
            report(f"growth: round {number + 1} of {rounds}")
            runs["small"].append(await _run(few, _events(f"{seed}-small-{number}", events, few_courses, 1)))
            runs["large"].append(await _run(many, _events(f"{seed}-large-{number}", events, few_courses, copies)))
            runs["spread"].append(
                await _run(many, _events(f"{seed}-spread-{number}", events, few_courses, copies, spread=True))
            )
        per_row = await many.database.fetchval(_INBOX_BYTES) / max(1, size.inbox)
        stored = {
            "courses": size.courses,
            "few_courses": size.few,
            "inbox_rows": size.inbox,
            "database_bytes_per_course": round(await _bytes_per_course(many, size.courses)),
            "inbox_bytes_per_row": round(per_row),
        }
    return stored | _summary(runs["small"], runs["large"], runs["spread"])


def _summary(small: Sequence[Measured], large: Sequence[Measured], spread: Sequence[Measured]) -> dict[str, Any]:
    cpu = median(run.cpu_per_event for run in small) / median(run.cpu_per_event for run in large)
    return {
        "small_per_s": round(median(run.per_second for run in small)),
        "large_per_s": round(median(run.per_second for run in large)),
        "of_small": _ratio(large, small),
        "of_small_by_cpu": round(cpu, 3),
        "spread_per_s": round(median(run.per_second for run in spread)),
        "spread_of_small": _ratio(spread, small),
    }


def _ratio(ones: Sequence[Measured], others: Sequence[Measured]) -> float:
    """The median of the ratios within each round."""
    return round(median(one.per_second / other.per_second for one, other in zip(ones, others, strict=True)), 3)


async def _template(on: Ground, seed: int, courses: int, report: Report) -> None:
    """So many courses of ten events each, stored by the service."""
    report(f"growth: storing {courses} courses")
    facts = [
        *(plan(_CLINIC, number) for number in range(courses)),
        *outcomes(Random(seed), _CLINIC, courses, courses * _STORED_TURNS),
    ]
    work = Work(
        [as_record(fact, "intake") for fact in facts], _events(f"{seed}-template", 0, courses, 1), _NOW, [_CLINIC]
    )
    await measure(on, Stride("progress", work), work)


async def _run(on: Ground, found: Sequence[Record]) -> Measured:
    work = Work(found[:_WARM], found[_WARM:], _NOW, [_CLINIC])
    return await measure(on, Stride("progress", work), work)


def _events(run: str, events: int, courses: int, copies: int, *, spread: bool = False) -> list[Record]:
    """Further readings of stored patients: of as many as the small database has, or of all. The first warm up."""
    chance = Random(run)
    stored = [(number, copy) for number in range(courses) for copy in ([chance.randrange(copies)])]
    records = list[Record]()
    for count in range(_WARM + events):
        number, copy = (chance.randrange(courses), chance.randrange(copies)) if spread else stored[count % courses]
        fact = later_outcome(chance, _CLINIC, number, _name(number, copy), f"{run}-{count}")
        records.append(as_record(fact, "intake"))
    return records


def _name(number: int, copy: int) -> str:
    return f"{patient_id(number)}-{copy}" if copy else patient_id(number)


async def _grow(on: Ground, copies: int, size: Size, report: Report) -> None:
    for first in range(1, copies, _SLICE):
        last = min(first + _SLICE, copies) - 1
        report(f"growth: {last * size.few} of {(copies - 1) * size.few} courses stored")
        for table in METADATA.sorted_tables:
            await _copy(on, table.name, [column.name for column in table.columns], first, last)
    for first in range(0, size.inbox, 500_000):
        report(f"growth: {first} of {size.inbox} inbox rows stored")
        await _fill_inbox(on, min(500_000, size.inbox - first))
    await on.database.execute("CHECKPOINT", timeout=900)


async def _copy(on: Ground, table: str, columns: Sequence[str], first: int, last: int) -> None:
    """The template's rows again under other patients; what they are about keeps its id, as the key has the patient."""
    chosen = ", ".join("patient_id || '-' || copy" if name == "patient_id" else name for name in columns)
    await on.database.execute(
        f"INSERT INTO progress.{table} ({', '.join(columns)}) "  # names come from tables.py
        f"SELECT {chosen} FROM progress.{table}, generate_series({first}, {last}) AS copy "
        f"WHERE clinic_id = '{_CLINIC}' AND patient_id ~ '^patient-[0-9]+$'",
        timeout=900,
    )


async def _fill_inbox(on: Ground, rows: int) -> None:
    await on.database.execute(
        "INSERT INTO progress.inbox (source, event_id) "
        f"SELECT '/stride/intake', gen_random_uuid()::text FROM generate_series(1, {rows})",
        timeout=900,
    )


async def _bytes_per_course(on: Ground, courses: int) -> float:
    sizes = [
        await on.database.fetchval(f"SELECT pg_total_relation_size('progress.{table.name}')")
        for table in METADATA.sorted_tables
    ]
    return sum(sizes) / courses
