"""Facts that every service tells of itself: what waits in it for a person, and that it no longer does."""

from typing import ClassVar, Literal

from shared.events.base import Code, Identifier, Moment, PatientFact


class StrandingFact(PatientFact):
    """Events that can't go on by themselves. Its patient is `THE_CLINIC`, so that it does not wait behind them."""

    stranding_id: Identifier
    service: Code
    """Where they wait."""
    cause: Literal["failed", "newer-version", "unreadable"]
    """`unreadable`: records that became dead letters; else a patient's events, parked behind the first of them."""
    topic: Code
    """Of the first event, which holds up the others; or that of the unreadable records."""
    about: Identifier | None = None
    """The patient whose events wait. Without one it is the clinic itself, or nobody knows whom."""
    noted_at: Moment
    """When the service found them, some seconds after they stranded."""

    @property
    def natural_key(self) -> str:
        return self.stranding_id


class EventsStranded(StrandingFact):
    """Somebody has to look: events wait in a service until they are taken up again.

    One for each patient's events in a service, and one for each topic and day of unreadable records, however many
    there are.
    """

    NAME: ClassVar[str] = "events.stranded"


class EventsReleased(StrandingFact):
    """What `events.stranded` told of waits no longer: taken up again, or past its retention."""

    NAME: ClassVar[str] = "events.released"
    released_at: Moment
