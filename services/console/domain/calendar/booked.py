"""An appointment as the calendar shows it: how it stands, and what was asked of it."""

from collections.abc import Iterable, Sequence, Set
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

State = str
"""`booked`, `held`, `missed` or `cancelled`."""


class Asked(NamedTuple):
    """The last change that was asked of an appointment as it stands."""

    request_id: str
    change: str
    """`move`, `cancel` or `no-show`."""
    requested_at: datetime
    start: datetime | None
    practitioner_id: str | None
    room_id: str | None
    refused: str | None
    """Why it can't be done, as a code; None as long as nothing was answered."""


class Booked(NamedTuple):
    """One appointment."""

    patient_id: str
    appointment_id: str
    plan_id: str
    sequence: int
    version: int
    state: State
    reason: str
    start: datetime
    end: datetime
    practitioner_id: str
    room_id: str
    asked: Asked | None = None
    """None where it has changed since, or nothing was asked."""

    @property
    def pending(self) -> bool:
        """Whether a change was asked for and nobody has answered."""
        return self.asked is not None and self.asked.refused is None and self.state == "booked"


class Held(NamedTuple):
    """A session that was held."""

    patient_id: str
    started_at: datetime
    plan_id: str | None
    appointment_id: str | None


def with_held(appointments: Iterable[Booked], sessions: Sequence[Held], zone: ZoneInfo) -> list[Booked]:
    """The appointments, those as `held` in which there was a session.

    As scheduling sees it: the session names the appointment; or it names none and was on its day, and
    then the nearest in time is meant, one that was not missed first.
    """
    known = list(appointments)
    ids = {one.appointment_id for one in known}
    named = {one.appointment_id for one in sessions if one.appointment_id in ids}
    for session in sorted(sessions, key=lambda one: one.started_at):
        if session.appointment_id is None:
            found = min((_distance(one, session) for one in known if _may_be(one, session, named, zone)), default=None)
            if found:
                named.add(found[-1])
    return [one._replace(state="held") if one.appointment_id in named else one for one in known]


def _may_be(one: Booked, session: Held, taken: Set[str], zone: ZoneInfo) -> bool:
    return (
        one.patient_id == session.patient_id
        and one.state != "cancelled"
        and one.appointment_id not in taken
        and session.plan_id in (None, one.plan_id)
        and one.start.astimezone(zone).date() == session.started_at.astimezone(zone).date()
    )


def _distance(one: Booked, session: Held) -> tuple[bool, float, str]:
    return one.state == "missed", abs((one.start - session.started_at).total_seconds()), one.appointment_id
