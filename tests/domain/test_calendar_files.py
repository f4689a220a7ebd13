"""Calendars in YAML: what a clinic's file says holds when it is sent, and a wrong file is told by line and field."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.scheduling.domain.calendars import Places, compose
from services.scheduling.inbound.clinics import description_of
from shared.clinics import Clinic
from shared.data_files import read_data_file
from shared.events.calendars import ResourceName
from shared.settings import ROOT
from stride.cli.send_calendars import NoCalendar, calendars_in
from stride.cli.send_files import posts_of

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CLINICS = sorted((ROOT / "clinics").glob("*.yaml"))

LEAVE = """\
hours:
  MO: [{start: "08:00", end: "12:00", valid_from: 2026-06-01}]
holidays: {country: GB, subdivision: ENG, open: [2026-04-06]}
practitioners:
  - id: pr-ada
    closed:
      - {start: 2026-07-06, end: 2026-07-17, reason: leave}
  - id: pr-ben
    hours: {}
rooms:
  - {id: gym, buffer_minutes: 20}
patients:
  - id: p1
    closed: [{start: 2026-03-09T08:00:00, end: 2026-03-09T12:00:00}]
"""


@pytest.mark.parametrize("path", CLINICS, ids=lambda path: path.stem)
def test_a_clinics_file_that_is_sent_says_what_it_says_to_scheduling(path: Path) -> None:
    clinic = read_data_file(path, Clinic)
    whole = description_of(clinic, NOW, 1)
    people = (
        [("practitioner", each.id) for each in clinic.practitioners],
        [("room", each.id) for each in clinic.rooms],
    )
    places: Places = {name: (number,) for number, name in enumerate((*people[0], *people[1]))}
    bare = whole.model_copy(
        update={
            "hours": (),
            "closed": (),
            "resources": tuple(
                each.model_copy(update={"hours": None, "closed": (), "buffer_minutes": None})
                for each in whole.resources
            ),
        }
    )
    sent = calendars_in(path, NOW)
    assert sent.clinic_id == clinic.clinic_id
    assert compose(bare, {fact.calendar_id: fact for fact in sent.facts}, places) == compose(whole, {}, places)


def test_a_file_of_calendars_gives_one_for_each_that_it_names_under_its_own_name(tmp_path: Path) -> None:
    clinic, ada, ben, gym, patient = calendars_in(written(tmp_path, LEAVE), NOW).facts
    assert [each.calendar_id for each in (clinic, ada, ben, gym, patient)] == [
        "leave.clinic", "leave.practitioner.pr-ada", "leave.practitioner.pr-ben", "leave.room.gym", "leave.patient.p1",
    ]  # fmt: skip
    assert clinic.hours
    assert clinic.hours[0].valid_from
    days = {each.start.date().isoformat() for each in clinic.closed}
    assert ("2026-04-03" in days, "2026-04-06" in days) == (True, False), "Good Friday is closed, Easter Monday is not"
    assert (ada.closed[0].start.isoformat(), ada.closed[0].end.isoformat()) == (
        "2026-07-06T00:00:00", "2026-07-18T00:00:00",
    )  # fmt: skip
    assert (ada.hours, ben.hours, gym.buffer_minutes) == (None, (), 20)
    assert patient.about == ResourceName(kind="patient", id="p1")


def test_who_has_no_hours_is_never_there_and_who_says_none_has_those_of_the_clinic(tmp_path: Path) -> None:
    clinic = read_data_file(ROOT / "clinics" / "riverside.yaml", Clinic)
    facts = {fact.calendar_id: fact for fact in calendars_in(written(tmp_path, LEAVE), NOW).facts}
    places: Places = {("practitioner", "pr-ada"): (1,), ("practitioner", "pr-ben"): (2,)}
    made = compose(description_of(clinic, NOW, 1), facts, places)
    assert made
    assert (len(made.resources[1].rules), made.resources[2].rules) == (1, ())


def test_withdrawing_a_file_withdraws_each_of_its_calendars_and_says_nothing_else(tmp_path: Path) -> None:
    file = written(tmp_path, LEAVE)
    given, taken = calendars_in(file, NOW).facts, calendars_in(file, NOW, withdrawn=True).facts
    assert [each.calendar_id for each in taken] == [each.calendar_id for each in given]
    assert {(each.withdrawn, each.hours, each.closed) for each in taken} == {(True, None, ())}


def test_a_large_file_goes_in_requests_that_intake_takes(tmp_path: Path) -> None:
    rooms = "\n".join(f"  - {{id: room-{number}}}" for number in range(500))
    posts = list(posts_of(written(tmp_path, f"rooms:\n{rooms}\n"), NOW))
    assert [len(post.says) for post in posts] == [200, 200, 100]


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("MX: [", "MO: [", "line 2, column 7: hours.MX.[key]: Input should be 'MO'"),
        ("closd:", "closed:", "line 7, column 7: practitioners.0.closd: there is no such field here"),
        ("end: 2026-07-05", "end: 2026-07-17", "line 7, column 9: practitioners.0.closed.0: start must be before end"),
        ("country: XX", "country: GB", "line 3, column 11: holidays: "),
        ("id: pr-ada\n    hours: {}", "id: pr-ben\n    hours: {}", "line 8, column 9: practitioners.1.id: pr-ada is"),
        ("id: a b", "id: gym", "line 11, column 10: rooms.0.id: String should match"),
        ("end: 2046-07-17", "end: 2026-07-17", "five years"),
        ("rooms: [", "rooms:", "not valid YAML"),
    ],
)
def test_a_wrong_file_is_told_by_line_column_and_field(tmp_path: Path, wrong: str, right: str, told: str) -> None:
    assert right in LEAVE
    with pytest.raises(NoCalendar) as found:
        calendars_in(written(tmp_path, LEAVE.replace(right, wrong)), NOW)
    assert told in str(found.value)


@pytest.mark.parametrize("text", ["", "{}", "- 1", "clinic_id: x"])
def test_a_file_that_says_nothing_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(NoCalendar):
        calendars_in(written(tmp_path, text), NOW)


def written(folder: Path, text: str) -> Path:
    file = folder / "leave.yaml"
    file.write_text(text, encoding="utf-8")
    return file
