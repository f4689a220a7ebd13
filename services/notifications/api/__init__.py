"""The HTTP edge. The clinic comes from the token, never from the request."""

from fastapi import FastAPI

from services.notifications.api import alerts, another, answers, choices, desk, preferences, receipts, subscriptions
from services.notifications.api.visits import DeadLink, Visits, dead_link
from services.notifications.gateways.opening import reporting
from services.notifications.gateways.settings import load_channels
from services.notifications.letters.pages import Pages
from services.notifications.letters.translations import Translations
from shared.messaging.service import Running
from shared.tokens import Tokens


def edge(running: Running, app: FastAPI) -> None:
    """Add the routes."""
    tokens = Tokens.load(running.settings.stride_tokens)
    alerts.routes(running, app, tokens)
    desk.routes(running, app, tokens)
    choices.routes(running, app, tokens)
    visits = Visits(running, Pages(Translations.load()))
    preferences.routes(app, visits)
    another.routes(app, visits)
    app.add_exception_handler(DeadLink, dead_link)
    channels = load_channels(running.settings)
    receipts.routes(running, app, reporting(channels, running.settings))
    private = channels.webhooks_to_private_addresses
    subscriptions.routes(running, app, tokens, private_allowed=private)
    answers.answer_problems(app)
