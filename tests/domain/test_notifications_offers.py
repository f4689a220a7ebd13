"""Offers of a time that has become free: told while the time is kept, and only as long as it is still of use."""

from datetime import timedelta

from services.notifications.domain.judgement import Content, Dropped, Judgement, judge
from services.notifications.domain.state import DeliveryState, Patient
from services.notifications.letters import Letters, Wordings
from services.notifications.store.patients import desk_of
from shared.clinics import load_clinics
from shared.events.base import Fact
from shared.links import Signer
from shared.settings import ROOT
from tests.domain.notifications_examples import FIRST, NOW, Example
from tests.domain.test_notifications_messages import after, of

ANN = Example()
CLINIC = load_clinics(ROOT / "clinics")["riverside"]


def verdict(*facts: Fact, later: timedelta = timedelta()) -> tuple[Patient, Judgement]:
    patient = after(ANN.registered(), *facts, patient=Patient(ANN.clinic_id, ANN.patient_id, desk_of(CLINIC)))
    (delivery,) = of(patient, "offer")
    return patient, judge(patient, delivery, NOW + later)


def test_an_offer_says_the_time_what_it_replaces_and_until_when_it_is_kept() -> None:
    patient, content = verdict(ANN.booked(), ANN.offered())
    assert isinstance(content, Content)
    assert [one.start for one in content.appointments] == [FIRST - timedelta(days=3)]
    assert content.previous == {"hold:p-1-0": FIRST}
    assert content.told == (), "an offer is no appointment: nobody is told to come"
    assert patient.contact is not None
    signer = Signer([b"key"])
    letters = Letters(Wordings(), "https://stride.example/", signer, "https://book.example")
    (delivery,) = of(patient, "offer")
    text = letters.to_patient(CLINIC, patient.contact, delivery, content, NOW).message.get_body(("plain",))
    assert text is not None
    words = str(text.get_content())
    assert "Friday, 15 May 2026, 14:30" in words
    assert "replaces your appointment on Monday, 18 May 2026, 14:30" in words
    assert "Monday, 4 May 2026, 13:00" in words
    token = words.split("https://book.example/o/")[1].split(maxsplit=1)[0]
    assert signer.offer(token, NOW) == ("riverside", "p-1", "hold:p-1-0")


def test_an_offer_that_is_of_no_use_any_more_is_not_told() -> None:
    sooner = ANN.moved(0, 2, FIRST - timedelta(days=5))
    useless = {
        "moved ahead of it": (ANN.booked(), ANN.offered(), sooner),
        "cancelled": (ANN.booked(), ANN.offered(), ANN.cancelled(0)),
        "accepted": (ANN.booked(), ANN.offered(), ANN.moved(0, 2, FIRST - timedelta(days=3))),
        "course over": (ANN.booked(), ANN.offered(), ANN.plan(), ANN.ended()),
    }
    for why, facts in useless.items():
        assert isinstance(found := verdict(*facts)[1], Dropped), why
        assert found.state is DeliveryState.SUPERSEDED
        assert isinstance(verdict(*reversed(facts))[1], Dropped), f"{why}, in the other order"
    assert verdict(ANN.offered(), later=timedelta(hours=4))[1] == Dropped(DeliveryState.EXPIRED, "too-late")


def test_an_offer_is_told_once_however_often_it_comes() -> None:
    patient, _ = verdict(ANN.booked(), ANN.offered(), ANN.offered())
    assert len(of(patient, "offer")) == 1
