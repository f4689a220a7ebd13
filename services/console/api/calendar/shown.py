"""What the page and the panel need of the clinic: names, its openings, and what was asked of an appointment."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from services.console.api.calendar.words import ASKED
from services.console.api.visits import Visit
from services.console.domain.calendar.booked import Booked, with_held
from services.console.domain.calendar.opening import Openings
from services.console.store import diary
from shared.events.calendars import CalendarChanged, ClinicDescribed
from shared.tokens import Role

READERS: Sequence[Role] = ("front-desk", "clinician")
_MOST_CLINICS = 200


class KnownOpenings:
    """Each clinic's openings, read anew when one of its calendars has changed: they may be long."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[list[str], Openings]] = {}

    async def of(self, visit: Visit) -> Openings:
        """As the newest facts say."""
        slots = await diary.calendar_slots(visit.tx, visit.clinic_id)
        known = self._known.get(visit.clinic_id)
        if known is None or known[0] != slots:
            facts = await diary.calendar_facts(visit.tx, visit.clinic_id, slots)
            clinic = next((fact for fact in facts if isinstance(fact, ClinicDescribed)), None)
            known = slots, Openings(clinic, [fact for fact in facts if isinstance(fact, CalendarChanged)])
            if len(self._known) >= _MOST_CLINICS:
                self._known.clear()
            self._known[visit.clinic_id] = known
        return known[1]


def names_of(visit: Visit) -> dict[str, Mapping[str, str]]:
    """What practitioners and rooms are called, in the order of the clinic's file."""
    clinic = visit.desk.clinics.get(visit.clinic_id)
    if clinic is None:
        return {"practitioner": {}, "room": {}}
    return {
        "practitioner": {one.id: one.name for one in clinic.practitioners},
        "room": {one.id: one.name for one in clinic.rooms},
    }


def zone_of(visit: Visit) -> ZoneInfo:
    """By which clocks the clinic lives."""
    clinic = visit.desk.clinics.get(visit.clinic_id)
    return clinic.zone_info if clinic else ZoneInfo("UTC")


def pending(visit: Visit, one: Booked) -> str:
    """What was asked of an appointment and is not done yet; nothing where there is no such request."""
    if one.state != "booked":
        return ""
    if one.pending and one.asked:
        return ASKED[one.asked.change]
    return visit.desk.asked.of(asked_key(one), one.version)


def asked_key(one: Booked) -> str:
    """Names what is asked next: the same for two clicks in a row, another once the first has become a fact."""
    return f"{one.appointment_id}/{one.asked.request_id if one.asked else ''}"


async def with_sessions(visit: Visit, found: Sequence[Booked]) -> list[Booked]:
    """The appointments, with those as held in which a session was."""
    if not found:
        return []
    span = found[0].start, max(one.end for one in found)
    sessions = await diary.held(visit.tx, visit.clinic_id, span, [one.appointment_id for one in found])
    return with_held(found, sessions, zone_of(visit))
