"""The rows of many courses, put into the console's tables by SQL: facts for each of them would take hours."""

from typing import Final

from sqlalchemy import text

from benchmarks.workload import FIRST_DAY
from shared.database import open_engine

_PER_CLINIC: Final = 5_000
"""Courses of one clinic; a stack serves many clinics."""
_ALERTS: Final = 10
_WEEKS: Final = 20
_APPOINTMENTS: Final = 12
"""Of each course: a clinic has 240 a day, with 24 practitioners."""
_FILL: Final = (
    """
    INSERT INTO patient SELECT 'bench-' || n / CAST(:per AS integer), 'p-' || n, 'Patient ' || n || ' of the Bench', 0
    FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n
    """,
    """
    INSERT INTO alert (clinic_id, patient_id, alert_id, kind, severity, title, plan_id, raised_at, revision, owner,
        owner_revision, taken_revision, snoozed_revision, asked_again_revision, state, resolved_at, resolved_by)
    SELECT 'bench-' || n / CAST(:per AS integer), 'p-' || n, 'al-' || n || '-' || a, 'milestone',
        CASE WHEN a = 0 THEN 'warning' ELSE 'info' END, 'Milestone reached: number ' || a, 'plan-' || n,
        CAST(:now AS timestamptz) - make_interval(mins => (n * 7 + a) % 100000), 1, 'st-ada', 1, 0, 0, 0,
        CASE WHEN (n + a) % 50 = 0 THEN 'open' ELSE 'resolved' END,
        CASE WHEN (n + a) % 50 = 0 THEN NULL ELSE CAST(:now AS timestamptz) END,
        CASE WHEN (n + a) % 50 = 0 THEN NULL ELSE 'st-ada' END
    FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n,
        generate_series(0, CAST(:alerts AS integer) - 1) AS a
    """,
    """
    INSERT INTO appointment (clinic_id, patient_id, appointment_id, plan_id, sequence, version, state, reason,
        start_at, end_at, placed_version, practitioner_id, room_id)
    SELECT 'bench-' || n / CAST(:per AS integer), 'p-' || n, 'ap-' || n || '-' || a, 'plan-' || n, a + 1, 1,
        CASE WHEN (n + a) % 20 = 0 THEN 'cancelled' ELSE 'booked' END, '', start_at, start_at + interval '45 min', 1,
        'pr-' || (number / 250) % 24, 'room-' || (number / 250) % 24
    FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n,
        generate_series(0, CAST(:appointments AS integer) - 1) AS a,
        LATERAL (SELECT n % CAST(:per AS integer) * CAST(:appointments AS integer) + a) AS counted (number),
        LATERAL (SELECT CAST(:now AS timestamptz) + make_interval(days => number % 250 - 125,
            mins => number / 6000 * 60)) AS placed (start_at)
    """,
    """
    INSERT INTO attendance SELECT clinic_id, patient_id, 's-' || appointment_id, start_at, plan_id, appointment_id,
        false
    FROM appointment WHERE start_at < CAST(:now AS timestamptz) AND state = 'booked'
        AND clinic_id = 'bench-' || CAST(:first AS integer) / CAST(:per AS integer)
    """,
    """
    INSERT INTO weekly SELECT 'bench-' || n / CAST(:per AS integer), 'p-' || n, 'plan-' || n, 'no-show',
        CAST(date_trunc('week', CAST(:now AS timestamptz)) AS date) - 7 * w, 'foot-drop-acupuncture', 'share',
        (n + w) % 10 / 9, 1
    FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n,
        generate_series(0, CAST(:weeks AS integer) - 1) AS w
    """,
    """
    INSERT INTO weekly SELECT 'bench-' || n / CAST(:per AS integer), 'p-' || n, 'plan-' || n, figure,
        CAST(date_trunc('week', CAST(:now AS timestamptz)) AS date) - 7 * (n % CAST(:weeks AS integer)),
        'foot-drop-acupuncture', unit, n % 7, 1
    FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n,
        (VALUES ('outcome/pain-nrs', '{score}'), ('milestone/pain-40', 'days')) AS once (figure, unit)
    """,
    """
    INSERT INTO weekly_total SELECT clinic_id, protocol_id, figure, unit, week, sum(total), sum(number) FROM weekly
    WHERE clinic_id = 'bench-' || CAST(:first AS integer) / CAST(:per AS integer)
    GROUP BY clinic_id, protocol_id, figure, unit, week
    """,
    """
    INSERT INTO resource SELECT 'bench-' || n / CAST(:per AS integer), kind,
        CASE WHEN of_course = 1 THEN 'plan-' || n ELSE 'm-' || n || '-' || nth END, 'p-' || n
    FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n,
        (VALUES ('EpisodeOfCare', 1), ('CarePlan', 1), ('Observation', 12), ('Encounter', 12))
            AS each (kind, of_course),
        generate_series(1, of_course) AS nth
    """,
    """
    INSERT INTO work_queue SELECT 'bench-' || n / CAST(:per AS integer), 'p-' || n, 'plan-' || n, 1, 1, due_at,
        jsonb_build_array(jsonb_build_object('sequence', 3, 'earliest', due_at, 'latest', due_at + interval '3 days',
            'reason', 'fully-booked'))
    FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n,
        LATERAL (SELECT CAST(:now AS timestamptz) + make_interval(days => n % 40)) AS due (due_at)
    WHERE n % 40 = 0
    """,
    """
    INSERT INTO waitlist SELECT 'bench-' || n / CAST(:per AS integer), 'p-' || n, 'plan-' || n, n % 3 <> 0,
        CAST(:now AS timestamptz) - make_interval(mins => n), 'asked-' || n, 'end-' || n
    FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n WHERE n % 25 = 0
    """,
    """
    INSERT INTO offer SELECT 'bench-' || n / CAST(:per AS integer), 'p-' || n, 'offer-' || n, 'plan-' || n, 3,
        CAST(:now AS timestamptz) + interval '30 days', CAST(:now AS timestamptz) + make_interval(hours => n % 200),
        'pr-' || n % 24, 'room-' || n % 24, CAST(:now AS timestamptz) - interval '1 hour',
        CAST(:now AS timestamptz) + interval '1 hour', 1, 'sooner', NULL, NULL
    FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n WHERE n % 25 = 0
    """,
)


async def fill(database_url: str, courses: int) -> None:
    """So many courses, some thousand to a clinic."""
    engine = open_engine(database_url, "console", pool_size=1)
    given = {"per": _PER_CLINIC, "alerts": _ALERTS, "weeks": _WEEKS, "appointments": _APPOINTMENTS, "now": FIRST_DAY}
    for first in range(0, courses, _PER_CLINIC):
        wanted = {**given, "first": first, "last": min(courses, first + _PER_CLINIC) - 1}
        async with engine.begin() as tx:
            for statement in _FILL:
                needed = {name: value for name, value in wanted.items() if f":{name} " in statement}
                await tx.execute(text(statement), needed)
    async with engine.begin() as tx:
        await tx.execute(text("ANALYZE"))
    await engine.dispose()
