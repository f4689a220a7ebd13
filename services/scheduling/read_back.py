"""How scheduling is rebuilt from the log: it decides again, and the appointments are those it published.

Calendars come as facts, so they are in the log too.
"""

from typing import Final

from services.scheduling.domain.told import as_told
from services.scheduling.store import SchedulingStore
from shared.clock import open_clock
from shared.rebuild.read_back import Compared, ReadBack
from shared.settings import Settings

# 1000000000: what a service remembers of a resource must not be taken for another one after a swap.
_SEQUENCES: Final = (
    "SELECT setval(pg_get_serial_sequence('{rebuilt}.resource', 'id'), "
    "(SELECT COALESCE(max(id), 0) FROM {running}.resource) + 1000000000)",
)
_MAY_OVERLAP: Final = "ALTER TABLE {rebuilt}.claim DROP CONSTRAINT claim_no_overlap"
"""For as long as the log is applied in not quite the order of the decisions, two claims may cross on their way."""
_NO_OVERLAP: Final = """
    DO $do$ BEGIN EXECUTE (
        SELECT 'ALTER TABLE {rebuilt}.claim ADD CONSTRAINT claim_no_overlap ' || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE conrelid = '{running}.claim'::regclass AND conname = 'claim_no_overlap');
    END $do$
"""
_BESIDE_THE_LOG: Final = (
    "DELETE FROM {rebuilt}.feed",
    "INSERT INTO {rebuilt}.feed SELECT * FROM {running}.feed",
    "DELETE FROM {rebuilt}.freed_time",
    "INSERT INTO {rebuilt}.freed_time SELECT * FROM {running}.freed_time",
)
_NAME_OF_RESOURCE: Final = (
    "SELECT r.clinic_id || '/' || r.kind || '/' || r.external_id FROM {schema}.resource AS r WHERE r.id = t."
)


def _store(settings: Settings) -> SchedulingStore:
    """With everyone: what was published of a changed calendar may be about patients whom it would not hit today."""
    return SchedulingStore(open_clock(settings.stride_clock), everyone=True)


READ_BACK: Final = ReadBack(
    settle=as_told,
    store=_store,
    begin=(_MAY_OVERLAP, *_SEQUENCES),
    built=(_NO_OVERLAP,),
    finish=_BESIDE_THE_LOG,
    not_in_log=("the secret addresses of calendar feeds", "which freed time is still to be offered, and when"),
    tables={
        "clinic": Compared(left_out=frozenset({"revision"})),
        "resource": Compared(key=("clinic_id", "kind", "external_id", "place"), left_out=frozenset({"id", "revision"})),
        # The wall time is by the zone data of whoever wrote it.
        "appointment": Compared(
            left_out=frozenset({"local_start", "local_zone"}),
            instead={column: _NAME_OF_RESOURCE + column for column in ("practitioner", "room")},
        ),
        # When a hold that is over was found to be so is of no account; how it was answered is.
        "hold": Compared(
            instead={
                "state": "CASE t.state WHEN 'expired' THEN 'open' ELSE t.state END",
                **{column: _NAME_OF_RESOURCE + column for column in ("practitioner", "room")},
            },
        ),
        "claim": Compared(
            key=("appointment_id", "resource", "during", "live"),
            left_out=frozenset({"id"}),
            # A time that was taken and freed within one batch was never written.
            where="t.live AND NOT starts_with(t.appointment_id, 'hold:')",
            instead={"resource": _NAME_OF_RESOURCE + "resource"},
        ),
    },
)
