"""The HTTP edge. The clinic comes from the token, never from the request."""

from fastapi import FastAPI

from services.notifications.api import answers, desk
from shared.messaging.service import Running
from shared.tokens import Tokens


def edge(running: Running, app: FastAPI) -> None:
    """Add the routes."""
    tokens = Tokens.load(running.settings.stride_tokens)
    desk.routes(running, app, tokens)
    answers.answer_problems(app)
