"""How scheduling is rebuilt from the log: it decides again, and the appointments are those it published.

Calendars come from the clinics' files and from the tables, never from facts: they are taken over.
"""

from typing import Final

from services.scheduling.domain.told import as_told
from services.scheduling.store import SchedulingStore
from shared.clock import open_clock
from shared.rebuild.read_back import Compared, ReadBack
from shared.settings import Settings

# 1000000000: what a service remembers of an id and its revision must not be taken for another one after a swap.
_CALENDARS: Final = (
    "DELETE FROM {rebuilt}.holiday",
    "DELETE FROM {rebuilt}.availability_exception",
    "DELETE FROM {rebuilt}.availability_rule",
    """
    INSERT INTO {rebuilt}.clinic (clinic_id, source, revision, zone, slot_minutes, buffer_minutes, horizon_days)
    SELECT clinic_id, source, revision + 1000000000, zone, slot_minutes, buffer_minutes, horizon_days
    FROM {running}.clinic
    ON CONFLICT (clinic_id) DO UPDATE SET source = excluded.source, revision = excluded.revision,
        zone = excluded.zone, slot_minutes = excluded.slot_minutes,
        buffer_minutes = excluded.buffer_minutes, horizon_days = excluded.horizon_days
    """,
    """
    INSERT INTO {rebuilt}.resource (id, clinic_id, kind, external_id, zone, offers, active, revision)
    OVERRIDING SYSTEM VALUE
    SELECT id, clinic_id, kind, external_id, zone, offers, active, revision + 1000000000 FROM {running}.resource
    ON CONFLICT (clinic_id, kind, external_id)
    DO UPDATE SET zone = excluded.zone, offers = excluded.offers, active = excluded.active
    """,
    "INSERT INTO {rebuilt}.availability_rule OVERRIDING SYSTEM VALUE SELECT * FROM {running}.availability_rule",
    """
    INSERT INTO {rebuilt}.availability_exception OVERRIDING SYSTEM VALUE
    SELECT * FROM {running}.availability_exception
    """,
    "INSERT INTO {rebuilt}.holiday SELECT * FROM {running}.holiday",
)
_SEQUENCES: Final = tuple(
    "SELECT setval(pg_get_serial_sequence('{rebuilt}.TABLE', 'id'), "
    "(SELECT COALESCE(max(id), 0) FROM {running}.TABLE) + 1000000000)".replace("TABLE", table)
    for table in ("resource", "availability_rule", "availability_exception")
)
_MAY_OVERLAP: Final = "ALTER TABLE {rebuilt}.claim DROP CONSTRAINT claim_no_overlap"
"""For as long as the log is applied in not quite the order of the decisions, two claims may cross on their way."""
_NO_OVERLAP: Final = """
    DO $do$ BEGIN EXECUTE (
        SELECT 'ALTER TABLE {rebuilt}.claim ADD CONSTRAINT claim_no_overlap ' || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE conrelid = '{running}.claim'::regclass AND conname = 'claim_no_overlap');
    END $do$
"""
_NAME_OF_RESOURCE: Final = (
    "SELECT r.clinic_id || '/' || r.kind || '/' || r.external_id FROM {schema}.resource AS r WHERE r.id = t."
)


def _store(settings: Settings) -> SchedulingStore:
    """Without the clinics' files: the calendars in the tables are not to be changed by the year of a fact."""
    return SchedulingStore({}, open_clock(settings.stride_clock))


READ_BACK: Final = ReadBack(
    settle=as_told,
    store=_store,
    begin=(_MAY_OVERLAP, *_CALENDARS, *_SEQUENCES),
    built=(_NO_OVERLAP,),
    finish=_CALENDARS,
    tables={
        "clinic": Compared(left_out=frozenset({"revision"})),
        "resource": Compared(key=("clinic_id", "kind", "external_id"), left_out=frozenset({"id", "revision"})),
        "availability_rule": Compared(
            key=("resource", "weekday", "starts", "ends"),
            left_out=frozenset({"id"}),
            instead={"resource": _NAME_OF_RESOURCE + "resource"},
        ),
        "availability_exception": Compared(
            key=("clinic_id", "resource", "day", "starts", "ends"),
            left_out=frozenset({"id"}),
            instead={
                "resource": f"COALESCE(({_NAME_OF_RESOURCE}resource), '')",
                "starts": "COALESCE(CAST(t.starts AS text), '')",
                "ends": "COALESCE(CAST(t.ends AS text), '')",
            },
        ),
        "appointment": Compared(
            instead={column: _NAME_OF_RESOURCE + column for column in ("practitioner", "room")},
        ),
        "claim": Compared(
            key=("appointment_id", "resource", "during", "live"),
            left_out=frozenset({"id"}),
            # A time that was taken and freed within one batch was never written.
            where="t.live",
            instead={"resource": _NAME_OF_RESOURCE + "resource"},
        ),
    },
    not_in_log=("calendars: clinics, practitioners, rooms, hours, absences, holidays",),
)
