"""The console's HTTP edge: pages for people, and the same views as JSON for programs.

Each page is a module of its own here with a function `add_routes(desk, app)`, and a template beside it; those
that the navigation leads to have a `PLACE`. CONTRIBUTING.md has the recipe.
"""

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from services.console.api import (
    audit_view,
    clinic_view,
    course_decision,
    course_view,
    deliveries_view,
    entering,
    files,
    inbox,
    inbox_actions,
    live,
    operations_view,
    problems,
    provider,
    settings_view,
    sign_in,
    stranded_view,
    waiting_actions,
    waiting_view,
    waitlist_actions,
    waitlist_view,
)
from services.console.api.calendar import actions as calendar_actions
from services.console.api.calendar import page as calendar
from services.console.api.calendar import panel as calendar_panel
from services.console.api.desk import Desk
from services.console.api.fhir import routes as fhir
from services.console.api.headers import KeepToItself
from shared.messaging.service import Running
from shared.tokens import Tokens

_PLACES = (
    inbox.PLACE,
    calendar.PLACE,
    waiting_view.PLACE,
    course_view.PLACE,
    clinic_view.PLACE,
    operations_view.PLACE,
    audit_view.PLACE,
)
"""In the order of the navigation; the first that a person may see is where they arrive."""
_PEOPLE = (entering, sign_in, provider, settings_view, live)
_CALENDAR = (calendar, calendar_panel, calendar_actions)
_COURSES = (course_view, course_decision)
_WAITING = (waiting_view, waiting_actions, waitlist_view, waitlist_actions)
_OPERATIONS = (operations_view, stranded_view, deliveries_view)
_PARTS = (*_PEOPLE, inbox, inbox_actions, *_CALENDAR, *_COURSES, *_WAITING, clinic_view, *_OPERATIONS, audit_view, fhir)


def edge(running: Running, app: FastAPI) -> None:
    """Add the console's routes and its way to say no to `app`."""
    desk = Desk.open(running, Tokens.load(running.settings.stride_tokens), _PLACES)
    app.add_middleware(GZipMiddleware, minimum_size=1024)
    app.add_middleware(KeepToItself)
    problems.answer_on(app, desk)
    files.add_routes(app)
    for part in _PARTS:
        part.add_routes(desk, app)
