"""Who the patient is and how to reach them."""

from datetime import datetime
from re import fullmatch

from services.notifications.domain.deliveries import readdress
from services.notifications.domain.proof import ask_for_proof
from services.notifications.domain.reminders import retime, zone_of
from services.notifications.domain.state import Contact, Patient
from shared.events.intake import PatientRegistered, PatientUpdated
from shared.messaging.message import Decision


def learn_contact(patient: Patient, fact: PatientRegistered | PatientUpdated, now: datetime) -> Decision[Patient]:
    """The highest revision holds; messages that waited for an address become due, or are held back."""
    contact = _contact(fact)
    if patient.contact is not None and patient.contact.revision >= contact.revision:
        return Decision(patient)
    zone = zone_of(patient)
    patient = ask_for_proof(readdress(patient._replace(contact=contact)), now)
    return Decision(patient if zone_of(patient) == zone else retime(patient, now))


def _contact(fact: PatientRegistered | PatientUpdated) -> Contact:
    given = fact.contact
    at = given.confidential or given
    return Contact(
        revision=fact.revision if isinstance(fact, PatientUpdated) else 0,
        name=given.name,
        email=at.email,
        language=given.language,
        zone=given.zone,
        phone=_e164(at.phone),
        confidential=given.confidential is not None,
    )


def _e164(phone: str | None) -> str | None:
    """The number as networks dial it; nothing where it lacks its country, so that no stranger gets a text."""
    digits = "".join(character for character in phone or "" if character.isdigit() or character == "+")
    return digits if fullmatch(r"\+[1-9]\d{6,14}", digits) else None
