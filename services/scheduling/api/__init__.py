"""The HTTP edge: appointments, courses, waitlist and work queue; FHIR R4; previews, feeds, patients' answers."""

from fastapi import FastAPI

from services.scheduling.api.answers import answer_problems
from services.scheduling.api.bearers import who_asks
from services.scheduling.api.desk import Desk, mount_desk
from services.scheduling.api.feeds import Feeds, mount_feeds
from services.scheduling.api.fhir import mount_fhir
from services.scheduling.api.offers import OfferPages, mount_offers
from services.scheduling.api.previews import Previews
from services.scheduling.api.waitlist import Waitlist, mount_waitlist
from services.scheduling.api.work_queue import WorkQueue, mount_work_queue
from shared.messaging.service import Running
from shared.tokens import Tokens


def mount(running: Running, app: FastAPI) -> None:
    """Add all routes, and the way this edge says no."""
    tokens = Tokens.load(running.settings.stride_tokens)
    bearer = who_asks(tokens)
    mount_desk(Desk(running, bearer), app)
    app.add_api_route("/courses/$preview", Previews(running, bearer).preview, methods=["POST"])
    mount_work_queue(WorkQueue(running, bearer), app)
    mount_waitlist(Waitlist(running, bearer), app)
    mount_offers(OfferPages.of(running), app)
    mount_feeds(Feeds(running, bearer), app)
    mount_fhir(running, app, bearer)
    answer_problems(app)
