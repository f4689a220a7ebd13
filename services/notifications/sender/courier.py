"""One message at a time: compose it, look again, hand it over; or find out whether it arrived."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import SystemRandom
from typing import Final

from services.notifications.domain.parcels import Parcel
from services.notifications.domain.state import DeliveryState
from services.notifications.gateways import Gone, PutOff, Rejected, Uncertain, Unreachable
from services.notifications.sender.composer import Composer, NotSendable
from services.notifications.sender.route import Outlet, Route
from services.notifications.sender.writer import Answer, Writer
from services.notifications.store.ledger import Claim, Handing, Result
from shared.clock import Clock
from shared.messaging.errors import Unavailable
from shared.telemetry import log

UNREACHABLE: Final = "unreachable"
_CHANCE: Final = SystemRandom()


@dataclass(frozen=True, slots=True)
class Courier:
    """Carries single messages of any channel."""

    clock: Clock
    writer: Writer
    composer: Composer
    routes: Mapping[str, Route]

    async def send(self, claim: Claim) -> Result | None:
        """Try one message; nothing where nobody can know what became of it: the lease decides."""
        route = self.routes[claim.delivery.channel]
        try:
            parcel = await self.composer.parcel(claim)
        except NotSendable as error:
            return Result(claim, DeliveryState.FAILED, str(error))
        except Unavailable:
            return Result(claim, DeliveryState.READY, UNREACHABLE)
        except Exception as error:  # noqa: BLE001  # one message that can't be composed holds up no other
            log().error("not-composed", error_type=type(error).__name__, delivery_id=claim.delivery.delivery_id)
            return Result(claim, DeliveryState.FAILED, "not-composed")
        if not route.outlets:
            return Result(claim, DeliveryState.FAILED, "no-provider")
        outlet = route.choose(claim)
        if outlet is None:
            return Result(claim, DeliveryState.READY, UNREACHABLE)
        return await self._tried(claim, route, outlet, parcel)

    async def _tried(self, claim: Claim, route: Route, outlet: Outlet, parcel: Parcel) -> Result | None:
        outlet.breaker.begin()
        try:
            result = await self._handed_over(claim, route, outlet, parcel)
        except (Unreachable, Unavailable) as error:
            outlet.breaker.failed()
            log().warning("provider-unreachable", provider=outlet.provider.name, reason=str(error))
            return Result(claim, DeliveryState.READY, UNREACHABLE)
        except Uncertain as error:
            outlet.breaker.failed()
            log().warning("uncertain", reason=str(error), delivery_id=claim.delivery.delivery_id)
            return None
        except (PutOff, Rejected) as error:
            result = self._refused(claim, route, outlet, error)
        except BaseException:
            outlet.breaker.failed()
            raise
        outlet.breaker.worked()
        return result

    async def _handed_over(self, claim: Claim, route: Route, outlet: Outlet, parcel: Parcel) -> Result:
        """The last look comes when the provider waits for the content, and is committed before it gets any."""
        async with outlet.provider.dialogue(parcel, self.composer.key(claim)) as dialogue:
            answer = await self.writer.may_go(Handing(claim, outlet.provider.name, outlet.limit))
            if answer is not Answer.GO:
                if answer is Answer.HELD_UP:
                    route.hold_up(outlet.limit)
                return Result(claim, DeliveryState.READY, answer)
            reference = await dialogue.hand_over()
        route.forget(claim)
        return Result(claim, DeliveryState.ACCEPTED, accepted_at=self.clock.now(), reference=reference)

    def _refused(self, claim: Claim, route: Route, outlet: Outlet, error: PutOff | Rejected) -> Result:
        """Certainly not taken: to another provider if there is one that may, else later, else not at all."""
        if isinstance(error, PutOff) or error.elsewhere:
            if route.refuse(claim, outlet):
                return Result(claim, DeliveryState.READY, error.code)
            if isinstance(error, PutOff) and claim.deferrals < len(route.ladder):
                return self._later(claim, route, error)
        reason = "gone" if isinstance(error, Gone) else error.code
        return Result(claim, DeliveryState.FAILED, reason)

    def _later(self, claim: Claim, route: Route, error: PutOff) -> Result:
        wait = max(route.ladder[claim.deferrals], error.seconds or 0.0)
        wait *= 1 + route.jitter * _CHANCE.random()
        return Result(claim, DeliveryState.DEFERRED, error.code, due_at=self.clock.now() + timedelta(seconds=wait))

    async def resolve(self, claim: Claim) -> Result | None:
        """What becomes of a message whose sender was lost while it went out; nothing where to ask fails now."""
        if claim.reported:
            return Result(claim, DeliveryState.ACCEPTED, "reported", accepted_at=self.clock.now())
        try:
            arrived = await self._arrived(claim)
        except Unreachable as error:
            log().warning("can-not-ask", reason=str(error), delivery_id=claim.delivery.delivery_id)
            return None
        if arrived:
            return Result(claim, DeliveryState.ACCEPTED, "found", accepted_at=self.clock.now())
        if arrived is None:
            # A critical alert twice is better than none (RFC 1047 leaves us no third way).
            again = claim.delivery.recipient == "staff"
            return Result(claim, DeliveryState.READY if again else DeliveryState.UNKNOWN, "no-answer")
        return Result(claim, DeliveryState.READY, "not-found")

    async def _arrived(self, claim: Claim) -> bool | None:
        outlet = self.routes[claim.delivery.channel].named(claim.provider)
        try:
            return await outlet.provider.arrived(self.composer.key(claim)) if outlet else None
        except NotSendable:
            return None
