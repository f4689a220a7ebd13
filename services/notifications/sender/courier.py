"""One message at a time: compose it, look again, hand it over; or find out whether it arrived."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.notifications.domain.state import DeliveryState
from services.notifications.gateways import (
    Inbox,
    InboxUnreachable,
    Mail,
    MailDeferred,
    MailRejected,
    MailUncertain,
    MailUnreachable,
)
from services.notifications.letters import Letter, Letters, message_id
from services.notifications.sender.writer import Writer
from services.notifications.store.ledger import Claim, Result
from shared.clinics import Clinic
from shared.clock import Clock
from shared.messaging.errors import Unavailable
from shared.telemetry import log

UNREACHABLE: Final = "unreachable"
_BACKOFF: Final = (30, 120, 600, 1800, 3600)
"""Seconds of the clinic's clock until a message that the server put off is tried again."""
_MOST_DEFERRALS: Final = 12


@dataclass(frozen=True, slots=True)
class Courier:
    """Carries single messages. Without `inbox` nobody can be asked what arrived."""

    clock: Clock
    writer: Writer
    clinics: Mapping[str, Clinic]
    letters: Letters
    mail: Mail
    inbox: Inbox | None

    async def send(self, claim: Claim) -> Result | None:
        """Try one message; nothing where nobody can know what became of it: the lease decides."""
        letter = self._composed(claim)
        if isinstance(letter, Result):
            return letter
        try:
            return await self._handed_over(claim, letter)
        except (MailUnreachable, Unavailable) as error:
            log().warning("mail-waits", reason=str(error), delivery_id=claim.delivery.delivery_id)
            return Result(claim, DeliveryState.SCHEDULED, UNREACHABLE)
        except MailDeferred as error:
            return self._deferred(claim, error)
        except MailRejected as error:
            return Result(claim, DeliveryState.FAILED, str(error))
        except MailUncertain as error:
            log().warning("mail-uncertain", reason=str(error), delivery_id=claim.delivery.delivery_id)
            return None

    async def _handed_over(self, claim: Claim, letter: Letter) -> Result:
        """The last look comes when the server waits for the content, and is committed before it gets any."""
        async with self.mail.dialogue(letter.sender, letter.recipient) as dialogue:
            if not await self.writer.may_go(claim):
                return Result(claim, DeliveryState.SCHEDULED, "changed")
            await dialogue.hand_over(letter.message)
        return Result(claim, DeliveryState.ACCEPTED, accepted_at=self.clock.now())

    def _composed(self, claim: Claim) -> Letter | Result:
        clinic = self.clinics.get(claim.clinic_id)
        if clinic is None:
            return Result(claim, DeliveryState.FAILED, "unknown-clinic")
        now = self.clock.now()
        try:
            if claim.contact is None or claim.delivery.recipient == "staff":
                return self.letters.to_staff(clinic, claim.patient_id, claim.delivery, claim.content, now)
            return self.letters.to_patient(clinic, claim.contact, claim.delivery, claim.content, now)
        except Exception as error:  # noqa: BLE001  # one message that can't be composed holds up no other
            log().error("not-composed", error_type=type(error).__name__, delivery_id=claim.delivery.delivery_id)
            return Result(claim, DeliveryState.FAILED, "not-composed")

    def _deferred(self, claim: Claim, error: MailDeferred) -> Result:
        if claim.deferrals >= _MOST_DEFERRALS:
            return Result(claim, DeliveryState.FAILED, str(error))
        wait = timedelta(seconds=_BACKOFF[min(claim.deferrals, len(_BACKOFF) - 1)])
        return Result(claim, DeliveryState.SCHEDULED, str(error), due_at=self.clock.now() + wait)

    async def resolve(self, claim: Claim) -> Result | None:
        """What becomes of a message whose claim ran out; nothing where the inbox does not answer."""
        if not claim.handed_over:
            return Result(claim, DeliveryState.SCHEDULED, "not-handed-over")
        clinic = self.clinics.get(claim.clinic_id)
        if clinic is None or self.inbox is None:
            # A critical alert twice is better than none (RFC 1047 leaves us no third way).
            again = claim.delivery.recipient == "staff"
            return Result(claim, DeliveryState.SCHEDULED if again else DeliveryState.UNKNOWN, "no-answer")
        try:
            arrived = await self.inbox.has(message_id(clinic, claim.delivery))
        except InboxUnreachable as error:
            log().warning("inbox-unreachable", reason=str(error), delivery_id=claim.delivery.delivery_id)
            return None
        if arrived:
            return Result(claim, DeliveryState.ACCEPTED, "found-in-inbox", accepted_at=self.clock.now())
        return Result(claim, DeliveryState.SCHEDULED, "not-in-inbox")
