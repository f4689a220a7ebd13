"""Buffers: a room that is aired for twenty minutes is taken for so long, and who treats there is not."""

from dataclasses import replace
from datetime import timedelta

from services.scheduling.domain.calendars import compose
from services.scheduling.domain.diary import claims
from shared.events.calendars import CalendarChanged, ResourceName
from tests.domain.scheduling_examples import (
    WEEKLY,
    calendar,
    live,
    overlaps,
    plan,
    practitioner,
    room,
    schedule,
    tell,
)
from tests.domain.test_scheduling_calendars import PLACES, changed, described

MINUTE = timedelta(minutes=1)


def test_practitioner_and_room_are_taken_for_their_own_times_after_a_session() -> None:
    mine = calendar(practitioner(1), replace(practitioner(2), buffer_minutes=0), replace(room(11), buffer_minutes=30))
    state, _ = tell(schedule("p1", "p2", on=mine), plan("p1", [WEEKLY]), plan("p2", [WEEKLY], practitioner_id="pr-2"))
    first, second = live(state, "p1")[0], live(state, "p2")[0]
    assert (first.buffer_minutes, second.buffer_minutes) == (10, 0)
    assert first.room_buffer_minutes == second.room_buffer_minutes == 30
    taken = {resource: (end - first.end) // MINUTE for resource, _, end in claims(1000, first)}
    assert taken == {1: 10, 11: 30, 1000: 0}
    between = abs(second.start - first.start) // MINUTE
    assert between == 75, "45 of the session, 30 of the room"
    assert overlaps(state) == []


def test_an_appointment_made_before_rooms_had_buffers_takes_both_for_the_same_time() -> None:
    old = replace(live(tell(schedule(), plan("p1", [WEEKLY]))[0])[0], room_buffer_minutes=None)
    assert {(end - old.end) // MINUTE for _, _, end in claims(1000, old)} == {0, 10}


def test_a_buffer_comes_from_the_clinic_its_file_or_a_calendar_in_this_order() -> None:
    def buffers(**calendars: CalendarChanged) -> list[int]:
        found = compose(described(), calendars, PLACES)
        assert found
        return [found.buffer_of(1), found.buffer_of(11), found.buffer_of(99)]

    assert buffers() == [10, 10, 10]
    of_room = changed("airing", about=ResourceName(kind="room", id="room-1"), buffer_minutes=25)
    assert buffers(airing=of_room) == [10, 25, 10]
    assert buffers(airing=of_room.model_copy(update={"withdrawn": True})) == [10, 10, 10]
