"""Builds the notifications service."""

import asyncio
from contextlib import AsyncExitStack

from services.notifications import api
from services.notifications.gateways.settings import load_channels
from services.notifications.handlers import HANDLERS
from services.notifications.letters import Letters, Wordings
from services.notifications.sender import Alarm, Composer, Courier, DailyRound, Pace, Sender, Writer
from services.notifications.sender.opening import open_routes, providers
from services.notifications.store import PatientStore, finished, subscriptions
from services.notifications.store.ledger import Ledger
from shared.clinics import load_clinics
from shared.ids import random_id
from shared.links import Signer
from shared.messaging import retention
from shared.messaging.errors import Unavailable
from shared.messaging.service import Running, Service, run
from shared.settings import Settings
from shared.telemetry import log

_TICK_SECONDS = 0.005
_SUBSCRIPTIONS_SECONDS = 1.0


def _store(settings: Settings) -> PatientStore:
    return PatientStore(load_clinics(settings.stride_clinics), load_channels(settings).chat)


async def _send(running: Running) -> None:
    """Send what is due until cancelled."""
    settings, store = running.settings, running.door.store
    assert isinstance(store, PatientStore)
    # Driven time jumps, and whoever drives it waits for us.
    tick = _TICK_SECONDS if settings.stride_clock else None
    pace = Pace(lease_seconds=settings.stride_send_lease_seconds, tick_seconds=tick)
    channels = load_channels(settings)
    letters = Letters(
        Wordings(),
        settings.stride_public_url,
        Signer.of(settings.stride_link_keys, settings.stride_tokens),
        settings.stride_offers_url,
        settings.stride_console_url,
    )
    composer = Composer(running.clock, load_clinics(settings.stride_clinics), letters, channels.chat, running.engine)
    ledger = Ledger(store, random_id())
    writer = Writer(running.door, ledger, pace)
    async with AsyncExitStack() as parts:
        routes = open_routes(channels, settings, pace)
        for provider in providers(routes.values()):
            parts.push_async_callback(provider.close)
        courier = Courier(running.clock, writer, composer, routes)
        await Sender(running.door, ledger, writer, courier, pace).run()


async def _heed_subscriptions(running: Running) -> None:
    """Keep what webhooks are wanted in memory, a second old at most, until cancelled."""
    store = running.door.store
    assert isinstance(store, PatientStore)
    while True:
        try:
            async with running.door.work() as work:
                store.heed(await subscriptions.wanted(work.tx))
        except Unavailable as error:
            log().warning("subscriptions-wait", reason=str(error))
        await asyncio.sleep(_SUBSCRIPTIONS_SECONDS)


async def _wake(running: Running) -> None:
    """Let alerts climb until cancelled."""
    await Alarm(running.door, _TICK_SECONDS if running.settings.stride_clock else None).run()


async def _go_round(running: Running) -> None:
    """Once a day: digests, and gaps in the roster. Driven time jumps over days, and nobody there waits for them."""
    if running.settings.stride_clock:
        await running.stopping.wait()  # a part that ends would stop the service
    else:
        await DailyRound(running.door, load_clinics(running.settings.stride_clinics)).run()


async def _forget(running: Running) -> None:
    """Remove the reminders of appointments long past until cancelled."""
    await retention.again_and_again(lambda: finished.remove_reminders(running.engine, running.clock.now()))


SERVICE = Service(
    "notifications",
    handlers=HANDLERS,
    store=_store,
    edge=api.edge,
    background=(_send, _wake, _go_round, _forget, _heed_subscriptions),
)


def main() -> None:
    """Run until told to stop."""
    run(SERVICE)
