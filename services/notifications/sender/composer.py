"""From a claim to what its channel carries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifications.domain.groups import DIGEST
from services.notifications.domain.parcels import Event, Letter, Note, Parcel, Text
from services.notifications.letters import Letters, message_id
from services.notifications.store import subscriptions, waiting
from services.notifications.store.ledger import Claim
from shared.clinics import Clinic
from shared.clock import Clock
from shared.messaging.transactions import begin


class NotSendable(Exception):
    """There is nobody to send it to any more; says why."""


@dataclass(frozen=True, slots=True)
class Composer:
    """Looks up addresses and writes what is to be said. `chats`: an Apprise address by clinic and member of staff."""

    clock: Clock
    clinics: Mapping[str, Clinic]
    letters: Letters
    chats: Mapping[str, Mapping[str, str]]
    engine: AsyncEngine

    def key(self, claim: Claim) -> str:
        """What tells repeats of this message at the provider: the same for every attempt."""
        if claim.delivery.channel != "email":
            return claim.delivery.delivery_id
        return message_id(self._clinic(claim), claim.delivery)

    async def parcel(self, claim: Claim) -> Parcel:
        """The message, ready to go.

        Raises:
            NotSendable: no such clinic, subscription or chat.
            Unavailable: PostgreSQL can't be asked for a subscription.
        """
        match claim.delivery.channel:
            case "sms":
                return self._text(claim)
            case "chat":
                return self._note(claim)
            case "webhook":
                return await self._event(claim)
            case _ if claim.delivery.topic == DIGEST:
                return await self._digest(claim)
            case _:
                return self._letter(claim)

    def _clinic(self, claim: Claim) -> Clinic:
        clinic = self.clinics.get(claim.clinic_id)
        if clinic is None:
            raise NotSendable("unknown-clinic")
        return clinic

    def _letter(self, claim: Claim) -> Letter:
        clinic, now = self._clinic(claim), self.clock.now()
        if claim.contact is None or claim.delivery.recipient == "staff":
            return self.letters.to_staff(clinic, claim.patient_id, claim.delivery, claim.content, now)
        return self.letters.to_patient(clinic, claim.contact, claim.delivery, claim.content, now)

    async def _digest(self, claim: Claim) -> Letter:
        async with begin(self.engine) as tx:
            found = await waiting.waiting_for(tx, claim.clinic_id, claim.delivery.recipient_id)
        if not found:
            raise NotSendable("nothing-waits")
        return self.letters.digest(self._clinic(claim), claim.delivery, found, self.clock.now())

    def _text(self, claim: Claim) -> Text:
        if claim.contact is None or claim.contact.phone is None:
            raise NotSendable("no-number")
        body = self.letters.sms(self._clinic(claim), claim.contact, claim.delivery, claim.content, self.clock.now())
        return Text(claim.contact.phone, body)

    def _note(self, claim: Claim) -> Note:
        of_clinic = self.chats.get(claim.clinic_id, {})
        address = of_clinic.get(claim.delivery.recipient_id) or of_clinic.get("*")
        if address is None:
            raise NotSendable("no-chat")
        letter = self._letter(claim)
        text = letter.message.get_body(("plain",))
        return Note(address, str(letter.message["Subject"]), str(text.get_content()) if text else "")

    async def _event(self, claim: Claim) -> Event:
        async with begin(self.engine) as tx:
            found = await subscriptions.find(tx, claim.clinic_id, claim.delivery.recipient_id)
        if found is None or found.disabled_at is not None:
            raise NotSendable("no-subscription")
        return Event(found.url, found.secrets(self.clock.now()), _thin(claim))


def _thin(claim: Claim) -> bytes:
    """What happened and to whom, by ids: whoever wants to know more asks, with a token."""
    at = claim.delivery.local_time or claim.delivery.due_at.astimezone(UTC)
    data = {
        "clinic_id": claim.clinic_id,
        "patient_id": claim.patient_id,
        "plan_id": claim.delivery.plan_id,
        "event_id": claim.delivery.subject_id,
    }
    body = {"type": claim.delivery.topic, "timestamp": at.replace(tzinfo=UTC), "data": data}
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)
