"""`python -m benchmarks.scheduling.picture`: draws a course that the planner books, for docs/scheduling.md."""

from pathlib import Path

from benchmarks.scheduling.instances import NOW, Size, instance
from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.course import Appointment
from services.scheduling.domain.decide import terms_of_plan
from services.scheduling.domain.diary import open_diary
from services.scheduling.domain.preview import preview
from shared.charts.figure import Picture, document
from shared.charts.sessions import SessionBox, sessions_chart

FILE = Path(__file__).parents[2] / "docs" / "course-calendar.svg"
_SEED = 4
_CLINIC = Size(practitioners=5, rooms=3, load=0.6)


def drawn() -> str:
    """The picture as a file's text; the same every time."""
    made = instance(_SEED, _CLINIC)
    diary = open_diary(made.schedule, made.plan, NOW)
    shown = preview(diary, terms_of_plan(made.plan))
    boxes = [_box(each, diary.calendar) for each in shown.appointments]
    quality = shown.quality
    told = (
        f"{quality.sessions} sessions from {boxes[0].day} to {boxes[-1].day}; {quality.spacing_violations} of "
        f"{quality.gaps} gaps out of bounds; {quality.continuity:.0%} with one practitioner."
    )
    return document(Picture("A tapering course, booked into a clinic that is 60% full", told, sessions_chart(boxes)))


def _box(appointment: Appointment, calendar: ClinicCalendar) -> SessionBox:
    at, who = appointment.start.astimezone(calendar.zone), calendar.resources[appointment.practitioner].external_id
    return SessionBox(appointment.sequence, at.date(), f"{at:%H:%M} {who}")


if __name__ == "__main__":
    FILE.write_text(drawn(), encoding="utf-8")
