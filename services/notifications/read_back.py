"""How notifications is rebuilt from the log: it plans its messages again, and none goes out a second time."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from services.notifications.domain import told, told_alerts
from services.notifications.domain.wishes import record
from services.notifications.gateways.settings import load_channels
from services.notifications.store.finished import KEEP
from services.notifications.store.ledger_from_log import LedgerFromLog
from shared.clinics import load_clinics
from shared.events.notifications import ConsentRecorded, NotificationFailed, NotificationSent
from shared.rebuild.read_back import Compared, ReadBack
from shared.settings import Settings

_WAITING: Final = """
    SELECT DISTINCT clinic_id, patient_id FROM delivery
    WHERE state IN ('scheduled', 'deferred', 'ready') AND due_at <= :now ORDER BY clinic_id, patient_id
"""
_SETTLED_AS_TOLD: Final = (
    """
    UPDATE {rebuilt}.delivery AS ours SET state = 'accepted', reason = '',
        accepted_at = CAST(convert_from(fact.payload, 'UTF8')::jsonb ->> 'accepted_at' AS timestamptz)
    FROM {rebuilt}.told_fact AS fact
    WHERE fact.type LIKE 'clinic.notification.sent.%'
        AND ours.delivery_id = convert_from(fact.payload, 'UTF8')::jsonb ->> 'delivery_id'
    """,
    """
    UPDATE {rebuilt}.delivery AS ours SET state = convert_from(fact.payload, 'UTF8')::jsonb ->> 'state',
        reason = convert_from(fact.payload, 'UTF8')::jsonb ->> 'reason'
    FROM {rebuilt}.told_fact AS fact
    WHERE fact.type LIKE 'clinic.notification.failed.%' AND ours.state <> 'accepted'
        AND ours.delivery_id = convert_from(fact.payload, 'UTF8')::jsonb ->> 'delivery_id'
    """,
)
_UNDER_WAY: Final = (
    """
    UPDATE {rebuilt}.delivery AS ours SET state = theirs.state, reason = theirs.reason, due_at = theirs.due_at,
        told = theirs.told, attempt = theirs.attempt, deferrals = theirs.deferrals, owner = theirs.owner,
        claimed_at = theirs.claimed_at, claimed_revision = theirs.claimed_revision,
        handed_over_at = theirs.handed_over_at
    FROM {running}.delivery AS theirs
    WHERE ours.delivery_id = theirs.delivery_id AND (
        ours.state IN ('scheduled', 'sending') AND theirs.state IN ('deferred', 'ready', 'claimed', 'sending')
        OR ours.state = 'deferred' AND theirs.state = 'scheduled'
    )
    """,
    """
    UPDATE {rebuilt}.delivery AS ours SET provider = theirs.provider, reference = theirs.reference,
        state = CASE WHEN theirs.state IN ('delivered', 'undelivered', 'bounced') THEN theirs.state ELSE ours.state END
    FROM {running}.delivery AS theirs WHERE ours.delivery_id = theirs.delivery_id AND theirs.provider IS NOT NULL
    """,
)
"""What the sender has in hand is neither told of yet nor to be sent again; what it has not come to yet, it looks at
after the swap. What providers report is in no topic."""
_BESIDE_THE_LOG: Final = (
    "INSERT INTO {rebuilt}.receipt SELECT * FROM {running}.receipt ON CONFLICT DO NOTHING",
    "INSERT INTO {rebuilt}.allowance SELECT * FROM {running}.allowance ON CONFLICT DO NOTHING",
    "INSERT INTO {rebuilt}.subscription SELECT * FROM {running}.subscription ON CONFLICT DO NOTHING",
    """
    INSERT INTO {rebuilt}.delivery OVERRIDING USER VALUE
    SELECT * FROM {running}.delivery WHERE recipient = 'system' OR topic IN ('verify', 'link', 'digest')
    ON CONFLICT DO NOTHING
    """,
)
_FROM_LOG: Final = "SELECT set_config('stride.from_log', 'on', true)"


def _last(now: datetime) -> tuple[str, dict[str, Any], Callable[[Any], told.TimePassed]]:
    def passed(row: Any) -> told.TimePassed:
        return told.TimePassed(clinic_id=row.clinic_id, patient_id=row.patient_id, until=now)

    return _WAITING, {"now": now}, passed


def _store(settings: Settings) -> LedgerFromLog:
    # Nothing is remembered: the last statements of a rebuild change rows beside the store.
    return LedgerFromLog(load_clinics(settings.stride_clinics), load_channels(settings).chat, remembered_rows=0)


READ_BACK: Final = ReadBack(
    handlers={
        **told_alerts.READ_BACK,
        ConsentRecorded: record,
        NotificationSent: told.sent,
        NotificationFailed: told.failed,
        told.TimePassed: told.passed,
    },
    looked_up=(NotificationSent, NotificationFailed),
    decide=told.as_it_was,
    settle=told.as_raised,
    store=_store,
    finish=(_FROM_LOG, *_SETTLED_AS_TOLD, *_UNDER_WAY, *_BESIDE_THE_LOG),
    last=_last,
    tables={
        "patient": Compared(left_out=frozenset({"revision", "version"})),
        "delivery": Compared(
            left_out=frozenset(
                {"position", "attempt", "deferrals", "owner", "claimed_at", "claimed_revision", "handed_over_at"}
            ),
            # Retention removes them from the running tables, now or a little later.
            where=f"(t.topic = 'reminder' AND t.valid_until < {{now}} - interval '{KEEP.days} days') IS NOT TRUE"
            " AND t.topic NOT IN ('verify', 'link', 'digest')",
            # How it was found out that a message arrived is no fact.
            instead={"reason": "CASE WHEN t.state = 'accepted' THEN '' ELSE t.reason END"},
        ),
        "alert": Compared(left_out=frozenset({"position"})),
    },
    not_in_log=(
        "which codes, links and daily digests were sent",
        "which messages are on their way right now, and since when",
        "receipts, provider limits and webhook subscriptions, with the calls made to them",
    ),
)
