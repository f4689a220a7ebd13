"""Which fact leads to which decision."""

from services.scheduling.domain import decide, desk, offers, slot_requests, work_queue
from shared.events import console, intake, scheduling
from shared.events.base import Fact
from shared.events.calendars import CalendarChanged, ClinicDescribed
from shared.messaging.message import Handler

HANDLERS: dict[type[Fact], Handler] = {
    intake.PlanCreated: decide.open_course,
    intake.PlanAdjusted: decide.adjust_plan,
    intake.PlanEnded: decide.end_plan,
    intake.SessionLogged: decide.note_session,
    intake.SessionVoided: decide.void_session,
    intake.AppointmentChangeRequested: decide.change_appointment,
    console.DeskActionRequested: desk.act,
    scheduling.SlotRequested: slot_requests.request_slot,
    scheduling.SessionGivenUp: work_queue.give_up,
    scheduling.WaitlistChanged: offers.note_wait,
    scheduling.WaitlistOffered: offers.offer_time,
    ClinicDescribed: decide.change_calendar,
    CalendarChanged: decide.change_calendar,
}
