"""Composing one mail."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Final

from markupsafe import Markup

from services.notifications.domain.judgement import Content
from services.notifications.domain.state import Contact, Delivery
from services.notifications.letters.values import one_line, patient_values, staff_values
from services.notifications.letters.wordings import DEFAULT_LANGUAGE, Wordings
from shared.clinics import Clinic

_POLICY: Final = SMTP.clone(cte_type="7bit")
"""Nothing that an old mail server could damage."""
_PAGE: Final = Markup(
    '<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{subject}</title></head>'
    '<body style="font-family: sans-serif; max-width: 40em; line-height: 1.4">{body}</body></html>'
)


class NoAddress(Exception):
    """There is nobody to write to."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail ready to go. The addresses are the envelope's."""

    message: EmailMessage
    sender: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Letters:
    """Composes mails. `public_url` is where staff find the alert."""

    wordings: Wordings
    public_url: str

    def to_patient(
        self, clinic: Clinic, contact: Contact, delivery: Delivery, content: Content, now: datetime
    ) -> Letter:
        """Raises NoAddress where the contact has none, jinja2.TemplateError where a value is missing."""
        if contact.email is None:
            raise NoAddress
        values = patient_values(clinic, contact, content)
        return self._letter(clinic, delivery, (contact.name, contact.email, contact.language), values, now)

    def to_staff(self, clinic: Clinic, patient_id: str, delivery: Delivery, content: Content, now: datetime) -> Letter:
        """Raises NoAddress where the clinic has no such member of staff any more."""
        member = next((member for member in clinic.staff if member.id == delivery.recipient_id), None)
        if member is None or content.alert is None:
            raise NoAddress
        values = staff_values(clinic, content.alert, patient_id, self.public_url)
        return self._letter(clinic, delivery, (member.name, member.email, DEFAULT_LANGUAGE), values, now)

    def _letter(
        self, clinic: Clinic, delivery: Delivery, reader: tuple[str, str, str], values: dict[str, Any], now: datetime
    ) -> Letter:
        name, address, language = reader
        subject, text, html = self.wordings.find(delivery.topic, language).fill(values)
        message = EmailMessage(_POLICY)
        message["From"] = Address(one_line(clinic.name), addr_spec=clinic.email)
        message["To"] = Address(one_line(name), addr_spec=address)
        message["Subject"] = subject
        message["Date"] = format_datetime(now.astimezone(clinic.zone_info))
        message["Message-ID"] = message_id(clinic, delivery)
        message["Auto-Submitted"] = "auto-generated"
        message["X-Stride-Delivery"] = delivery.delivery_id
        message.set_content(text)
        message.add_alternative(_PAGE.format(language=language, subject=subject, body=html), subtype="html")
        return Letter(message, clinic.email, address)


def message_id(clinic: Clinic, delivery: Delivery) -> str:
    """The same whenever the delivery is sent, so that an inbox can tell whether it arrived."""
    return f"<{delivery.delivery_id}@{clinic.email.rpartition('@')[2]}>"
