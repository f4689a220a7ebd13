"""What patients choose, and when they are left alone."""

from datetime import UTC, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo, available_timezones

import pytest

from services.notifications.domain.deliveries import instead
from services.notifications.domain.judgement import Content, Dropped, Later, judge
from services.notifications.domain.keywords import keyword
from services.notifications.domain.state import ClinicDesk, DeliveryState, Patient, wish
from services.notifications.domain.wishes import ChoicesGiven, record
from services.notifications.handlers import HANDLERS
from shared.events.base import Fact
from shared.events.intake import PatientRegistered, PatientUpdated
from shared.events.notifications import ConsentRecorded
from shared.messages import MessagePolicy, QuietHours
from shared.messaging.errors import Refused
from tests.domain.notifications_examples import FIRST, NOW, Example

ANN = Example()


def after(*facts: Fact, patient: Patient | None = None, now: datetime = NOW) -> Patient:
    state = patient or Patient(ANN.clinic_id, ANN.patient_id, ClinicDesk("Europe/London"))
    for fact in facts:
        state = HANDLERS[type(fact)](state, fact, now).state
    return state


def chosen(request: str = "r1", **choices: str) -> ChoicesGiven:
    named = {what.replace("_", "."): value for what, value in choices.items()}
    return ChoicesGiven.model_validate(
        {**ANN.who, "request_id": request, "choices": named, "way": "page", "given_by": ANN.patient_id}
    )


def states(patient: Patient, topic: str) -> set[tuple[DeliveryState, str]]:
    return {(d.state, d.reason) for d in patient.deliveries.values() if d.topic == topic}


def test_an_opt_out_holds_back_all_that_is_planned_at_once_and_an_opt_in_brings_it_back() -> None:
    patient = after(ANN.registered(), ANN.booked(), chosen(email="off"))
    assert states(patient, "reminder") == states(patient, "booked") == {(DeliveryState.SUPPRESSED, "opted-out")}
    patient = after(chosen("r2", email="on"), patient=patient, now=NOW + timedelta(minutes=1))
    assert states(patient, "reminder") == {(DeliveryState.SCHEDULED, "")}


def test_what_is_planned_after_an_opt_out_is_held_back_too_and_judged_once_more() -> None:
    patient = after(ANN.registered(), chosen(email="off"), ANN.booked())
    (booked,) = (d for d in patient.deliveries.values() if d.topic == "booked")
    assert booked.state is DeliveryState.SUPPRESSED
    assert isinstance(judge(patient, booked._replace(state=DeliveryState.SCHEDULED), NOW), Dropped)


def test_one_kind_of_message_can_be_unwanted_alone() -> None:
    patient = after(ANN.registered(), ANN.booked(), chosen(topic_reminder="off"))
    assert states(patient, "reminder") == {(DeliveryState.SUPPRESSED, "not-wished")}
    assert states(patient, "booked") == {(DeliveryState.SCHEDULED, "")}


def test_the_latest_choice_holds_in_whatever_order_they_come() -> None:
    one = HANDLERS[ChoicesGiven](after(), chosen("r1", email="off"), NOW).facts
    two = HANDLERS[ChoicesGiven](after(*()), chosen("r2", email="on", sms="off"), NOW + timedelta(hours=1)).facts
    recorded = [*one, *HANDLERS[ChoicesGiven](after(chosen("r1", email="off")), chosen("r2", email="on"),
                                             NOW + timedelta(hours=1)).facts, *two]  # fmt: skip
    for order in (recorded, recorded[::-1], recorded * 2):
        patient = after()
        for fact in order:
            assert isinstance(fact, ConsentRecorded)
            patient = record(patient, fact, NOW).state
        assert (wish(patient, "email", ""), wish(patient, "sms", "")) == ("on", "off")


def test_a_choice_is_recorded_with_its_way_and_wording_and_only_where_it_is_new() -> None:
    decision = HANDLERS[ChoicesGiven](after(), chosen(email="off", sms="on"), NOW)
    recorded = [fact for fact in decision.facts if isinstance(fact, ConsentRecorded)]
    assert {(f.what, f.value, f.way, f.wording, f.recorded_by, f.recorded_at) for f in recorded} == {
        ("email", "off", "page", "choices-2", "p-1", NOW), ("sms", "on", "page", "choices-2", "p-1", NOW)
    }  # fmt: skip
    again = HANDLERS[ChoicesGiven](decision.state, chosen("r2", email="off"), NOW)
    assert again.facts == ()


@pytest.mark.parametrize("choices", [{"email": "maybe"}, {"topic_booked": "off"}, {"nothing": "on"}])
def test_there_are_no_other_choices(choices: dict[str, str]) -> None:
    with pytest.raises(Refused):
        after(chosen(**choices))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (" Stop. ", "stop"),
        ("BAJA", "stop"),
        ("إيقاف", "stop"),
        ("ARRET", "stop"),
        ("arrêt!", "stop"),
        ("STOPP", "stop"),
        ("Alto", "stop"),
        ("start", "start"),
        ("Hilfe", "help"),
        ("stop it", None),
    ],
)
def test_one_word_answers_are_understood(text: str, meaning: str | None) -> None:
    assert keyword(text) == meaning


def test_staff_are_reached_at_night_and_patients_are_not() -> None:
    night = datetime(2026, 5, 4, 23, 30, tzinfo=UTC)
    patient = after(ANN.registered(), ANN.booked(), ANN.adverse(), now=night)
    by_topic = {d.topic: judge(patient, d, night) for d in patient.deliveries.values() if d.due_at <= night}
    assert isinstance(by_topic["alert"], Content)
    assert by_topic["booked"] == Later(datetime(2026, 5, 5, 7, tzinfo=UTC), "quiet-hours")


def test_what_would_come_too_late_after_the_night_is_not_sent_at_night() -> None:
    start = datetime(2026, 5, 5, 6, 30, tzinfo=UTC)
    evening = datetime(2026, 5, 4, 22, tzinfo=UTC)
    patient = after(ANN.registered(), ANN.booked(start=FIRST), now=NOW)
    (booked,) = (d for d in patient.deliveries.values() if d.topic == "booked")
    content = judge(patient, booked, NOW)
    assert isinstance(content, Content)
    patient = patient.with_deliveries(booked._replace(state=DeliveryState.ACCEPTED, told=content.told))
    patient = after(ANN.moved(0, 2, start), patient=patient, now=evening)
    (moved,) = (d for d in patient.deliveries.values() if d.topic == "moved")
    assert judge(patient, moved, evening) == Dropped(DeliveryState.EXPIRED, "quiet-hours")


def test_too_many_messages_wait_until_some_are_a_day_old() -> None:
    patient = after(ANN.registered(), ANN.booked())
    (booked,) = (d for d in patient.deliveries.values() if d.topic == "booked")
    sent = [
        booked._replace(delivery_id=f"d{n}", topic="milestone", state=DeliveryState.ACCEPTED,
                        due_at=NOW - timedelta(hours=8 - n))
        for n in range(8)
    ]  # fmt: skip
    full = patient.with_deliveries(*sent)
    assert judge(full, booked, NOW) == Later(NOW + timedelta(hours=16), "too-many")


def test_nobody_is_written_to_in_quiet_hours_in_any_zone_on_any_day_of_changing_clocks() -> None:
    """10,000 moments around both changes of clocks of the year, in all zones: 0 violations."""
    draw, zones, violations = Random(7), sorted(available_timezones()), []
    for number in range(10_000):
        zone = ZoneInfo(zones[number % len(zones)])
        quiet = QuietHours(start=time(draw.randrange(24), draw.choice((0, 30))), end=time(draw.randrange(24)))
        month, day = draw.choice(((3, 29), (10, 25), (4, 5), (11, 1), (3, 8), (9, 27), (7, 1)))
        at = datetime(2026, month, day, tzinfo=UTC) + timedelta(minutes=draw.randrange(-1440, 2880))
        sent = quiet.until(at, zone) or at
        shown = sent.astimezone(zone).time()
        within = (
            quiet.start <= shown < quiet.end
            if quiet.start < quiet.end
            else (quiet.start != quiet.end and (shown >= quiet.start or shown < quiet.end))
        )
        if within or not timedelta(0) <= sent - at <= timedelta(hours=26):
            violations.append((zone.key, quiet, at, sent))
    assert violations == []
    assert MessagePolicy().quiet_hours == QuietHours(start=time(21), end=time(8))


def with_phone(phone: str | None = "+447700900123", **confidential: str) -> Fact:
    contact = {"name": "Ann Example", "email": "ann@example.org", "phone": phone}
    more = {"confidential": confidential} if confidential else {}
    return PatientRegistered.model_validate({**ANN.who, "contact": {**contact, **more}, "recorded_at": NOW})


def ways(patient: Patient) -> set[tuple[str, str, str]]:
    return {(d.channel, d.state, d.reason) for d in patient.deliveries.values()}


def test_a_text_message_needs_a_wish_consent_and_a_number_that_was_proved() -> None:
    patient = after(with_phone(), ANN.booked(), chosen(channel="sms"))
    assert ways(patient) == {("email", "scheduled", "")}, "no consent"
    patient = after(chosen("r2", sms="on"), patient=patient)
    assert ways(patient) == {("email", "scheduled", "")}, "not proved"
    patient = after(chosen("r3", verified_sms="yes"), patient=patient)
    assert ways(patient) == {("sms", "scheduled", "")}
    patient = after(ANN.updated(2, "ann@example.org"), patient=patient)
    assert ways(patient) == {("email", "scheduled", "")}, "the number is gone"


def test_another_number_has_to_be_proved_again_and_the_old_one_is_still_known() -> None:
    patient = after(with_phone(), ANN.booked(), chosen(channel="sms", sms="on", verified_sms="yes"))
    for revision, phone, channel in ((1, "+447700900999", "email"), (2, "+447700900123", "sms")):
        contact = {"name": "Ann Example", "email": "ann@example.org", "phone": phone}
        fact = PatientUpdated.model_validate({**ANN.who, "contact": contact, "revision": revision, "recorded_at": NOW})
        patient = after(fact, patient=patient)
        assert {way for way, _, _ in ways(patient)} == {channel}


def test_what_is_recorded_of_a_number_is_not_the_number_and_no_number_can_be_vouched_for() -> None:
    recorded = HANDLERS[ChoicesGiven](after(with_phone()), chosen(verified_sms="yes"), NOW).facts
    (value,) = (fact.value for fact in recorded if isinstance(fact, ConsentRecorded))
    assert len(value) == 4
    with pytest.raises(Refused, match="no address"):
        after(with_phone(None), chosen(verified_sms="yes"))


@pytest.mark.parametrize("at", [0, 1, 2])
def test_the_channel_is_the_same_in_whatever_order_booking_contact_and_choice_come(at: int) -> None:
    facts = [with_phone(), chosen(channel="sms", sms="on", verified_sms="yes")]
    facts.insert(at, ANN.booked())
    assert ways(after(*facts)) == {("sms", "scheduled", "")}


def test_what_did_not_arrive_goes_by_the_other_channel_once() -> None:
    patient = after(with_phone(), ANN.booked(), chosen(channel="sms", sms="on", verified_sms="yes"))
    (booked,) = (d for d in patient.deliveries.values() if d.topic == "booked")
    failed = booked._replace(state=DeliveryState.FAILED, reason="550")
    patient = instead(patient.with_deliveries(failed), failed)
    (second,) = (d for d in patient.deliveries.values() if d.instead_of == booked.delivery_id)
    assert (second.channel, second.state, second.topic) == ("email", DeliveryState.SCHEDULED, "booked")
    assert isinstance(judge(patient, second, NOW), Content), "it keeps its channel, whatever is preferred"
    assert instead(patient, second._replace(state=DeliveryState.FAILED)) is patient, "a third way there is not"
    assert instead(patient, failed) == patient, "planned again it is the same"


def test_nothing_goes_by_the_other_channel_where_that_is_not_allowed() -> None:
    patient = after(with_phone(), ANN.booked())
    (booked,) = (d for d in patient.deliveries.values() if d.topic == "booked")
    failed = booked._replace(state=DeliveryState.BOUNCED)
    assert instead(patient.with_deliveries(failed), failed).deliveries.keys() == patient.deliveries.keys()


def test_a_claimed_message_whose_channel_is_no_longer_wanted_goes_by_the_other() -> None:
    patient = after(with_phone(), ANN.booked(), chosen(channel="sms", sms="on", verified_sms="yes"))
    (booked,) = (d for d in patient.deliveries.values() if d.topic == "booked")
    assert judge(patient, booked._replace(channel="email"), NOW) == Later(NOW, "other-channel", "sms")


def test_in_confidence_only_the_other_address_is_used_and_messages_say_no_more_than_to_call() -> None:
    patient = after(with_phone(email="safe@example.org"), ANN.booked())
    assert patient.contact is not None
    assert (patient.contact.email, patient.contact.phone) == ("safe@example.org", None)
    assert states(patient, "reminder") == {(DeliveryState.SUPPRESSED, "only-to-call")}
    (booked,) = (d for d in patient.deliveries.values() if d.topic == "booked")
    content = judge(patient, booked, NOW)
    assert isinstance(content, Content)
    assert content.call_only


def test_who_only_wants_to_be_called_says_so_and_can_take_it_back() -> None:
    patient = after(ANN.registered(), ANN.booked(), chosen(content="call"))
    assert states(patient, "reminder") == {(DeliveryState.SUPPRESSED, "only-to-call")}
    patient = after(chosen("r2", content="full"), patient=patient, now=NOW + timedelta(minutes=1))
    assert states(patient, "reminder") == {(DeliveryState.SCHEDULED, "")}


def test_own_quiet_hours_take_the_place_of_the_clinics() -> None:
    patient = after(ANN.registered(), ANN.booked(), chosen(quiet="0800-1700"))
    (booked,) = (d for d in patient.deliveries.values() if d.topic == "booked")
    assert judge(patient, booked, NOW) == Later(datetime(2026, 5, 4, 16, tzinfo=UTC), "quiet-hours")


def test_a_reminder_that_would_come_too_late_after_quiet_hours_goes_before_them() -> None:
    """Half past midnight in London: reminded of at nine the morning before, when they sleep until the start."""
    start = datetime(2026, 5, 18, 23, 30, tzinfo=UTC)
    patient = after(ANN.registered(), ANN.booked(start=start))
    (day_before,) = (d for d in patient.deliveries.values() if d.slot == "1d")
    assert day_before.due_at == datetime(2026, 5, 18, 8, tzinfo=UTC)
    patient = after(chosen(quiet="0845-0045"), patient=patient)
    (day_before,) = (d for d in patient.deliveries.values() if d.slot == "1d")
    assert day_before.due_at == datetime(2026, 5, 18, 7, 15, tzinfo=UTC)
    assert isinstance(judge(patient, day_before, day_before.due_at), Content)


@pytest.mark.parametrize("value", ["0800-0100", "2400-0100", "2100", "2160-0800", "always"])
def test_quiet_hours_that_leave_no_time_to_write_are_refused(value: str) -> None:
    with pytest.raises(Refused):
        after(chosen(quiet=value))
