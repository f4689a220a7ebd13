"""The routes that the settings give each channel."""

from collections.abc import Iterable

from services.notifications.gateways import Patience, Provider
from services.notifications.gateways.chat import Chat
from services.notifications.gateways.opening import open_mail, open_sms
from services.notifications.gateways.settings import Channels, GatewayAccount, SmtpServer, TwilioAccount
from services.notifications.gateways.webhooks import Webhooks
from services.notifications.sender.pace import Pace
from services.notifications.sender.route import WEBHOOK_LADDER, Outlet, Route
from services.notifications.store.allowances import Limit
from shared.settings import Settings

_WEBHOOKS_AT_ONCE = 50
"""A receiver that hangs holds up one of these."""
_JITTER = 0.1


def open_routes(channels: Channels, settings: Settings, pace: Pace) -> dict[str, Route]:
    """A route for each channel; one without providers fails what it is given."""
    patience = Patience(pace.command_seconds, pace.answer_seconds)
    chat = [Outlet(Chat("apprise", patience.answer))] if channels.chat else []
    webhooks = Webhooks("webhooks", patience.answer, private_allowed=channels.webhooks_to_private_addresses)
    routes = (
        Route("email", [_limited(entry, open_mail(entry, settings, patience)) for entry in channels.email]),
        Route("sms", [_limited(entry, open_sms(entry, settings, patience)) for entry in channels.sms]),
        Route("chat", chat),
        Route("webhook", [Outlet(webhooks)], at_once=_WEBHOOKS_AT_ONCE, ladder=WEBHOOK_LADDER, jitter=_JITTER),
    )
    return {route.channel: route for route in routes}


def providers(routes: Iterable[Route]) -> list[Provider]:
    """All that are to be closed in the end."""
    return [outlet.provider for route in routes for outlet in route.outlets]


def _limited(entry: SmtpServer | GatewayAccount | TwilioAccount, provider: Provider) -> Outlet:
    return Outlet(provider, Limit(entry.per_second, entry.burst) if entry.per_second else None)
