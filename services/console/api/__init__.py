"""The console's HTTP edge: pages for people, and the same views as JSON for programs.

Each page is a file of its own here with a function `add_routes(desk, app)`, and a template beside it.
"""

from fastapi import FastAPI

from services.console.api import assets, clinic_view, problems, sign_in
from services.console.api.desk import Desk
from services.console.api.fhir import routes as fhir
from shared.messaging.service import Running
from shared.tokens import Tokens

_PARTS = (assets, sign_in, clinic_view, fhir)


def edge(running: Running, app: FastAPI) -> None:
    """Add the console's routes and its way to say no to `app`."""
    desk = Desk.open(running, Tokens.load(running.settings.stride_tokens))
    problems.answer_on(app, desk)
    for part in _PARTS:
        part.add_routes(desk, app)
