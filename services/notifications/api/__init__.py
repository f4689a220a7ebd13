"""The HTTP edge. The clinic comes from the token, never from the request."""

from fastapi import FastAPI

from services.notifications.api import (
    alerts,
    another,
    answers,
    choices,
    desk,
    fatigue,
    fhir,
    preferences,
    receipts,
    subscriptions,
    texts,
)
from services.notifications.api.visits import DeadLink, Visits, dead_link
from services.notifications.gateways.opening import listening, reporting
from services.notifications.gateways.settings import load_channels
from services.notifications.letters import Letters, Wordings
from services.notifications.letters.pages import Pages
from shared.clinics import load_clinics
from shared.messaging.service import Running
from shared.tokens import Tokens


def edge(running: Running, app: FastAPI) -> None:
    """Add the routes."""
    tokens = Tokens.load(running.settings.stride_tokens)
    wordings, clinics = Wordings(), load_clinics(running.settings.stride_clinics)
    fatigue.routes(running, app, tokens, clinics)
    alerts.routes(running, app, tokens)
    desk.routes(running, app, tokens)
    fhir.routes(running, app, tokens)
    choices.routes(running, app, tokens)
    visits = Visits(running, Pages(wordings.translations), clinics)
    preferences.routes(app, visits)
    another.routes(app, visits)
    app.add_exception_handler(DeadLink, dead_link)
    channels = load_channels(running.settings)
    receipts.routes(running, app, reporting(channels, running.settings))
    letters = Letters(wordings, running.settings.stride_public_url)
    texts.routes(running, app, listening(channels, running.settings), clinics, letters)
    private = channels.webhooks_to_private_addresses
    subscriptions.routes(running, app, tokens, private_allowed=private)
    answers.answer_problems(app)
