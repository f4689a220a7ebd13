"""The HTTP edge. The clinic comes from the token, never from the request."""

from fastapi import FastAPI

from services.notifications.api import alerts, answers, choices, desk, receipts, subscriptions
from services.notifications.gateways.opening import reporting
from services.notifications.gateways.settings import load_channels
from shared.messaging.service import Running
from shared.tokens import Tokens


def edge(running: Running, app: FastAPI) -> None:
    """Add the routes."""
    tokens = Tokens.load(running.settings.stride_tokens)
    alerts.routes(running, app, tokens)
    desk.routes(running, app, tokens)
    choices.routes(running, app, tokens)
    channels = load_channels(running.settings)
    receipts.routes(running, app, reporting(channels, running.settings))
    private = channels.webhooks_to_private_addresses
    subscriptions.routes(running, app, tokens, private_allowed=private)
    answers.answer_problems(app)
