"""Mails: composed from checked templates, private in the subject line, safe whatever a name holds."""

import shutil
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path

import pytest
import yaml
from jinja2 import UndefinedError
from jinja2.exceptions import SecurityError

from services.notifications.domain.judgement import Content, judge
from services.notifications.domain.state import ClinicDesk, Contact, Delivery, Patient
from services.notifications.handlers import HANDLERS
from services.notifications.letters import Letters, Wordings
from services.notifications.letters.wordings import FOLDER
from services.notifications.store.patients import desk_of
from shared.alerting import AlertPolicy, Level
from shared.clinics import load_clinics
from shared.events.base import Fact
from shared.settings import ROOT, ConfigurationInvalid
from tests.domain.notifications_examples import FIRST, NOW, Example

CLINIC = load_clinics(ROOT / "clinics")["riverside"]
LETTERS = Letters(Wordings(), "https://stride.example/")
EXAMPLE = Example()
AT_ONCE = replace(desk_of(CLINIC), policy=AlertPolicy(info=Level()))
TELLING_WORDS = ("acupunct", "pain", "foot", "drop", "rehab", "needle", "syncope", "nprs", "m21", "session")
ANN = Contact(0, "Ann Example", "ann@example.org", "en", None)


def patient_after(*facts: Fact, desk: ClinicDesk | None = None) -> Patient:
    patient = Patient(EXAMPLE.clinic_id, EXAMPLE.patient_id, desk or desk_of(CLINIC))
    for fact in facts:
        patient = HANDLERS[type(fact)](patient, fact, NOW).state
    return patient


def told_course() -> Patient:
    patient = patient_after(EXAMPLE.registered(), *EXAMPLE.course(3))
    (booked,) = (d for d in patient.deliveries.values() if d.topic == "booked")
    content = judge(patient, booked, NOW)
    assert isinstance(content, Content)
    return patient.with_deliveries(booked._replace(told=content.told, state=booked.state.ACCEPTED))


def mails(patient: Patient, contact: Contact = ANN) -> dict[str, EmailMessage]:
    """What would be sent, by topic, read back from the bytes that would travel."""
    found: dict[str, EmailMessage] = {}
    for delivery in patient.deliveries.values():
        content = judge(patient, delivery, delivery.due_at)
        if isinstance(content, Content):
            found[delivery.topic] = compose(delivery, content, contact)
    return found


def compose(delivery: Delivery, content: Content, contact: Contact = ANN) -> EmailMessage:
    if delivery.recipient == "staff":
        letter = LETTERS.to_staff(CLINIC, EXAMPLE.patient_id, delivery, content, NOW)
    else:
        letter = LETTERS.to_patient(CLINIC, contact, delivery, content, NOW)
    return message_from_bytes(letter.message.as_bytes(), _class=EmailMessage, policy=modern)


def bodies(mail: EmailMessage) -> str:
    parts = [mail.get_body(("plain",)), mail.get_body(("html",))]
    return "\n".join(part.get_content() for part in parts if part)


def every_mail() -> dict[str, EmailMessage]:
    told = told_course()
    changed: list[Fact] = [EXAMPLE.moved(0, 2, FIRST + timedelta(hours=1)), EXAMPLE.cancelled(1), EXAMPLE.missed(2)]
    for fact in (
        *changed,
        EXAMPLE.ended(at=FIRST + timedelta(days=90)),
        EXAMPLE.adverse(),
        EXAMPLE.reached(),
        EXAMPLE.unschedulable(),
    ):
        told = HANDLERS[type(fact)](told, fact, NOW).state
    return mails(patient_after(EXAMPLE.registered(), *EXAMPLE.course(2))) | mails(told)


def test_every_topic_has_a_text_and_an_html_part_and_the_marks_of_an_automatic_mail() -> None:
    found = every_mail()
    answers, others = {"help", "stopped", "started"}, {"verify", "link", "call", "offer", "digest"}
    assert set(found) == set(LETTERS.wordings.allowed) - answers - others
    for mail in found.values():
        kinds = [part.get_content_type() for part in mail.walk() if part.get_content_maintype() == "text"]
        assert kinds[:2] == ["text/plain", "text/html"]
        assert mail["Auto-Submitted"] == "auto-generated"
        assert "{" not in bodies(mail)


def test_no_subject_line_tells_what_somebody_is_treated_for() -> None:
    for topic, mail in every_mail().items():
        subject = str(mail["Subject"]).lower()
        assert not [word for word in TELLING_WORDS if word in subject], topic


def test_mails_to_staff_name_the_patient_by_the_opaque_id_only() -> None:
    patient = patient_after(EXAMPLE.registered(), EXAMPLE.adverse())
    mail = mails(patient)["alert"]
    assert EXAMPLE.patient_id in bodies(mail)
    assert "grade: 3" in bodies(mail)
    assert "Ann" not in mail.as_string()
    assert "Syncope" not in bodies(mail)
    (alert_id,) = patient.alerts
    assert f"https://stride.example/inbox/{alert_id}" in bodies(mail)


def test_the_evidence_of_a_milestone_goes_to_staff_as_figures() -> None:
    body = bodies(mails(patient_after(EXAMPLE.reached(), desk=AT_ONCE))["alerts"])
    assert "baseline: 6.5" in body
    assert "values: 3.1, 3.4" in body
    assert "probability: 0.94" in body


def test_a_milestone_is_never_credited_to_the_treatment() -> None:
    body = bodies(mails(patient_after(EXAMPLE.registered(), EXAMPLE.reached()))["milestone"])
    assert "during your care" in body
    assert "Pain down by 40 percent" in body
    assert "because" not in body


def test_a_name_can_smuggle_nothing_into_headers_or_html() -> None:
    contact = ANN._replace(name="Eve <script>alert(1)</script>\r\nBcc: all@example.org")
    mail = mails(patient_after(EXAMPLE.registered(), EXAMPLE.booked()), contact)["booked"]
    assert mail["Bcc"] is None
    html = mail.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()


def test_a_missing_value_is_an_error_and_no_empty_space() -> None:
    with pytest.raises(UndefinedError):
        Wordings().find("milestone", "en").mail({"patient_name": "Ann"})


@pytest.mark.parametrize(
    ("part", "template", "named"),
    [
        ("subject", "For {{ title }}", "title"),
        ("sms", "{{ patient_name }}", "patient_name"),
        ("body", "{{ diagnosis }}", "diagnosis"),
        ("body", "{% if %}", "body"),
    ],
)
def test_a_template_that_names_what_it_may_not_does_not_load(
    tmp_path: Path, part: str, template: str, named: str
) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "templates")
    file = folder / "milestone" / "1.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump({**content, part: template}), encoding="utf-8")
    with pytest.raises(ConfigurationInvalid, match=named):
        Wordings(folder)


def test_a_template_can_not_reach_into_python(tmp_path: Path) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "templates")
    file = folder / "milestone" / "1.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    content["body"] = "{{ title.__class__.__mro__ }}"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    values = dict.fromkeys(Wordings().allowed["milestone"].body, "x")
    with pytest.raises(SecurityError):
        Wordings(folder).find("milestone", "en").mail(values)


def test_a_language_without_templates_is_written_to_in_english() -> None:
    wordings = Wordings()
    assert wordings.find("booked", "tlh-Latn").name == wordings.find("booked", "en-GB").name == "booked/1/en"
