"""Who is called when something happens: clinic systems' webhooks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

OVERLAP: Final = timedelta(hours=24)
"""How long an old secret signs beside the new one."""
_ADD = text("""
    INSERT INTO subscription (subscription_id, clinic_id, url, facts, secret, created_at)
    VALUES (:subscription_id, :clinic_id, :url, :facts, :secret, :now)
""")
_OF_CLINIC = text("SELECT * FROM subscription WHERE clinic_id = :clinic_id ORDER BY created_at, subscription_id")
_ONE = text("SELECT * FROM subscription WHERE clinic_id = :clinic_id AND subscription_id = :subscription_id")
_WANTED = text("SELECT clinic_id, subscription_id, facts FROM subscription WHERE disabled_at IS NULL ORDER BY 1, 2")
_ROTATE = text("""
    UPDATE subscription SET old_secret = secret, old_secret_until = :until, secret = :secret
    WHERE clinic_id = :clinic_id AND subscription_id = :subscription_id
""")
_ENABLE = text("""
    UPDATE subscription SET disabled_at = NULL, disabled_because = NULL
    WHERE clinic_id = :clinic_id AND subscription_id = :subscription_id
""")
_DISABLE = text("""
    UPDATE subscription SET disabled_at = :now, disabled_because = :reason
    WHERE subscription_id = :subscription_id AND disabled_at IS NULL
""")
_REMOVE = text("DELETE FROM subscription WHERE clinic_id = :clinic_id AND subscription_id = :subscription_id")


@dataclass(frozen=True, slots=True)
class Subscription:
    """A clinic system that wants to be called about facts of these names."""

    subscription_id: str
    clinic_id: str
    url: str
    facts: tuple[str, ...]
    secret: str = field(repr=False)
    old_secret: str | None = field(default=None, repr=False)
    old_secret_until: datetime | None = None
    created_at: datetime | None = None
    disabled_at: datetime | None = None
    disabled_because: str | None = None

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """What signs at `now`: the secret, and for a while the one before it."""
        rotating = self.old_secret is not None and self.old_secret_until is not None and now < self.old_secret_until
        return (self.secret, self.old_secret) if rotating and self.old_secret else (self.secret,)


async def add(tx: AsyncConnection, new: Subscription, now: datetime) -> None:
    """Store a new one."""
    await tx.execute(
        _ADD,
        {
            "subscription_id": new.subscription_id,
            "clinic_id": new.clinic_id,
            "url": new.url,
            "facts": list(new.facts),
            "secret": new.secret,
            "now": now,
        },
    )


async def of_clinic(tx: AsyncConnection, clinic_id: str) -> list[Subscription]:
    """All of a clinic, oldest first."""
    found = await tx.execute(_OF_CLINIC, {"clinic_id": clinic_id})
    return [_read(row) for row in found.mappings()]


async def find(tx: AsyncConnection, clinic_id: str, subscription_id: str) -> Subscription | None:
    """One of a clinic."""
    row = (await tx.execute(_ONE, {"clinic_id": clinic_id, "subscription_id": subscription_id})).mappings().first()
    return _read(row) if row else None


async def wanted(tx: AsyncConnection) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Per clinic and fact name, the subscriptions that are to be called."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in await tx.execute(_WANTED):
        of_clinic = found.setdefault(row.clinic_id, {})
        for name in row.facts:
            of_clinic[name] = (*of_clinic.get(name, ()), row.subscription_id)
    return found


async def rotate(tx: AsyncConnection, clinic_id: str, subscription_id: str, secret: str, now: datetime) -> bool:
    """Sign with `secret` from now on, and with the present one for `OVERLAP` more; whether there is such a one."""
    given = {"clinic_id": clinic_id, "subscription_id": subscription_id, "secret": secret, "until": now + OVERLAP}
    return bool((await tx.execute(_ROTATE, given)).rowcount)


async def enable(tx: AsyncConnection, clinic_id: str, subscription_id: str) -> bool:
    """Call it again; whether there is such a one."""
    return bool((await tx.execute(_ENABLE, {"clinic_id": clinic_id, "subscription_id": subscription_id})).rowcount)


async def disable(tx: AsyncConnection, subscription_id: str, reason: str, now: datetime) -> None:
    """Call it no more."""
    await tx.execute(_DISABLE, {"subscription_id": subscription_id, "reason": reason, "now": now})


async def remove(tx: AsyncConnection, clinic_id: str, subscription_id: str) -> bool:
    """Forget it; whether there was such a one."""
    return bool((await tx.execute(_REMOVE, {"clinic_id": clinic_id, "subscription_id": subscription_id})).rowcount)


def _read(row: RowMapping) -> Subscription:
    values: dict[str, Any] = {**row, "facts": tuple(row["facts"])}
    return Subscription(**values)
