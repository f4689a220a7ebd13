"""Composing one mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Final

from services.notifications.domain.judgement import Content
from services.notifications.domain.parcels import Letter
from services.notifications.domain.reach import VERIFY, mark_of
from services.notifications.domain.state import Alert, Contact, Delivery
from services.notifications.letters.invitation import Invitation, Invitations
from services.notifications.letters.speech import DEFAULT_LANGUAGE, one_line
from services.notifications.letters.values import Links, patient_values, reader, staff_values
from services.notifications.letters.wordings import Wording, Wordings
from shared.clinics import Clinic, StaffMember
from shared.ids import patient_key
from shared.links import Signer

_POLICY: Final = SMTP.clone(cte_type="7bit")
"""Nothing that an old mail server could damage."""


_LISTED: Final = 50
"""Alerts that one mail lists."""


class NoAddress(Exception):
    """There is nobody to write to."""


@dataclass(frozen=True, slots=True)
class Letters:
    """Composes messages. `public_url` is where patients reach our pages."""

    wordings: Wordings
    public_url: str
    signer: Signer | None = None
    """Signs patients' links; without it there are none."""
    offers_url: str = ""
    """Where patients answer to offers; `public_url` where it is empty."""
    console_url: str = ""
    """Where staff find an alert; `public_url` where it is empty."""

    def to_patient(
        self, clinic: Clinic, contact: Contact, delivery: Delivery, content: Content, now: datetime
    ) -> Letter:
        """Raises NoAddress where the contact has none, jinja2.TemplateError where a value is missing."""
        if contact.email is None:
            raise NoAddress
        wording, values = self._filled(clinic, contact, delivery, content, now)
        letter = _letter(_heading(clinic, delivery, now), Address(one_line(contact.name), addr_spec=contact.email))
        _fill(letter.message, wording, values)
        if words := wording.calendar(values):
            _enclose(letter.message, Invitations(clinic, contact, words, now).of(delivery.topic, content.appointments))
        if self.signer is not None:
            letter.message["List-Unsubscribe"] = f"<{values['unsubscribe_url']}>"
            letter.message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        # Last: while parts are put together, headers named Content-* move into them.
        letter.message["Content-Language"] = wording.language
        return letter

    def to_staff(self, clinic: Clinic, patient_id: str, delivery: Delivery, content: Content, now: datetime) -> Letter:
        """Raises NoAddress where the clinic has no such member of staff any more."""
        member = next((member for member in clinic.staff if member.id == delivery.recipient_id), None)
        if member is None or not content.alerts:
            raise NoAddress
        return self._staff_letter(clinic, member, delivery, now, [(patient_id, alert) for alert in content.alerts])

    def digest(self, clinic: Clinic, delivery: Delivery, waiting: Sequence[tuple[str, Alert]], now: datetime) -> Letter:
        """What waits for a member of staff, the most pressing first: each alert with its patient's id.

        Raises:
            NoAddress: as for `to_staff`; also where nothing waits any more.
        """
        member = next((member for member in clinic.staff if member.id == delivery.recipient_id), None)
        if member is None or not waiting:
            raise NoAddress
        return self._staff_letter(clinic, member, delivery, now, waiting)

    def _staff_letter(
        self,
        clinic: Clinic,
        member: StaffMember,
        delivery: Delivery,
        now: datetime,
        alerts: Sequence[tuple[str, Alert]],
    ) -> Letter:
        values = staff_values(clinic, alerts[:_LISTED], self.console_url or self.public_url) | {"count": len(alerts)}
        wording = self.wordings.find(delivery.topic, DEFAULT_LANGUAGE)
        letter = _letter(_heading(clinic, delivery, now), Address(one_line(member.name), addr_spec=member.email))
        _fill(letter.message, wording, values)
        return letter

    def sms(self, clinic: Clinic, contact: Contact, delivery: Delivery, content: Content, now: datetime) -> str:
        """The text of an SMS to a patient.

        Raises:
            NoAddress: the contact has no phone, or the topic no text message.
        """
        wording, values = self._filled(clinic, contact, delivery, content, now)
        words = wording.sms(values)
        if contact.phone is None or words is None:
            raise NoAddress
        return words

    def answer(self, clinic: Clinic, contact: Contact, topic: str) -> str:
        """The text that answers a text message of a patient: `help`, `stopped` or `started`."""
        wording = self.wordings.find(topic, contact.language)
        to = reader(clinic, contact, wording.language, self.wordings.translations)
        return wording.sms(patient_values(to, Content(), Links())) or ""

    def _filled(
        self, clinic: Clinic, contact: Contact, delivery: Delivery, content: Content, now: datetime
    ) -> tuple[Wording, dict[str, Any]]:
        """The wording, and what it is filled with."""
        wording = self.wordings.find("call" if content.call_only else delivery.topic, contact.language)
        to = reader(clinic, contact, wording.language, self.wordings.translations)
        values = patient_values(to, content, self._links(clinic, contact, delivery, content, now))
        if delivery.topic == VERIFY and self.signer is not None:
            values["code"] = self.signer.code(delivery.delivery_id, contact.phone or "")
        if content.call_only:
            # The clinic's whole name may tell others at that address what it treats.
            values |= {"clinic_name": values["clinic_short"], "preferences_url": ""}
        return wording, values

    def _links(self, clinic: Clinic, contact: Contact, delivery: Delivery, content: Content, now: datetime) -> Links:
        if self.signer is None:
            return Links()
        address = mark_of(patient_key(clinic.clinic_id, delivery.recipient_id), contact.email)
        token = self.signer.token(clinic.clinic_id, delivery.recipient_id, now, address)
        ours = self.public_url.rstrip("/")
        return Links(
            preferences=f"{ours}/p/{token}",
            unsubscribe=f"{ours}/u/{token}",
            rebook=f"{ours}/p/{token}/another/{delivery.subject_id}" if delivery.topic == "missed" else "",
            offer=self._offer_link(clinic, delivery, content),
        )

    def _offer_link(self, clinic: Clinic, delivery: Delivery, content: Content) -> str:
        if self.signer is None or content.answer_by is None:
            return ""
        (offered,) = content.appointments
        token = self.signer.offer_token(clinic.clinic_id, delivery.recipient_id, offered.appointment_id, offered.start)
        return f"{(self.offers_url or self.public_url).rstrip('/')}/o/{token}"


def _heading(clinic: Clinic, delivery: Delivery, now: datetime) -> EmailMessage:
    """A message without reader and words. The sender shows on locked screens: by the discreet name."""
    message = EmailMessage(_POLICY)
    message["From"] = Address(one_line(clinic.discreet_name or clinic.name), addr_spec=clinic.email)
    message["Date"] = format_datetime(now.astimezone(clinic.zone_info))
    message["Message-ID"] = message_id(clinic, delivery)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Stride-Delivery"] = delivery.delivery_id
    return message


def _letter(message: EmailMessage, to: Address) -> Letter:
    message["To"] = to
    return Letter(message, message["From"].addresses[0].addr_spec, to.addr_spec)


def _fill(message: EmailMessage, wording: Wording, values: dict[str, Any]) -> None:
    words = wording.mail(values)
    message["Subject"] = words.subject
    message["X-Stride-Wording"] = wording.name
    message.set_content(words.text)
    message.add_alternative(words.html, subtype="html")


def _enclose(message: EmailMessage, entries: list[Invitation]) -> None:
    """One entry is an alternative of the text, which mail programs show with buttons; several are attachments."""
    if len(entries) == 1:
        entries[0].offer_in(message)
        return
    for number, entry in enumerate(entries, start=1):
        entry.attach_to(message, number)


def message_id(clinic: Clinic, delivery: Delivery) -> str:
    """The same whenever the delivery is sent, so that an inbox can tell whether it arrived."""
    return f"<{delivery.delivery_id}@{clinic.email.rpartition('@')[2]}>"
