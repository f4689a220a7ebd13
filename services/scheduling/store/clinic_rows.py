"""A clinic file as columns of rows: its practitioners and rooms, and when each is open."""

from collections.abc import Iterator

from shared.clinics import Clinic, Week
from shared.events.clinical import Weekday

_WEEKDAYS = tuple(Weekday)


def resource_rows(clinic: Clinic) -> dict[str, list[str]]:
    """Kind, id and offers (separated by blanks: codes have none) of every practitioner and room."""
    rows = [("practitioner", p.id, " ".join(p.skills)) for p in clinic.practitioners]
    rows += [("room", room.id, room.kind) for room in clinic.rooms]
    return {
        "kinds": [kind for kind, _, _ in rows],
        "external_ids": [identifier for _, identifier, _ in rows],
        "offers": [offers for _, _, offers in rows],
    }


def rule_rows(clinic: Clinic) -> dict[str, list[object]]:
    """Opening times: a room's are the clinic's; a practitioner's own count within the clinic's."""
    weeks = [("practitioner", p.id, p.hours or clinic.hours) for p in clinic.practitioners]
    weeks += [("room", room.id, clinic.hours) for room in clinic.rooms]
    rows = [(kind, identifier, *hours) for kind, identifier, week in weeks for hours in _hours(week)]
    names = ("kinds", "external_ids", "weekdays", "starts", "ends")
    return {name: [row[index] for row in rows] for index, name in enumerate(names)}


def _hours(week: Week) -> Iterator[tuple[int, object, object]]:
    for weekday, hours in week.items():
        for span in hours:
            yield _WEEKDAYS.index(weekday), span.start, span.end
