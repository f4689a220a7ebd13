"""iCalendar feeds of a practitioner, a room or a patient, behind an address that can be revoked.

They say when and where, never who with or what for: calendars are shared, and stand on screens.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.scheduling.api.bearers import WhoAsks
from services.scheduling.store.feeds import appointments_of, close_feed, find_feed, open_feed
from shared.events.base import Identifier
from shared.ical import Entry, calendar_of
from shared.ids import random_id
from shared.messaging.service import Running

_PAST = timedelta(days=30)


class Wanted(BaseModel):
    """Whose appointments the feed shows."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["practitioner", "room", "patient"]
    id: Identifier


@dataclass(frozen=True, slots=True)
class Feeds:
    """The endpoints."""

    running: Running
    bearer: WhoAsks

    async def open(self, request: Request, wanted: Wanted) -> dict[str, str]:
        """A new feed. Its path is told this once: it holds the secret."""
        bearer, feed_id, token = self.bearer(request), random_id(), secrets.token_urlsafe(32)
        async with self.running.door.work() as work:
            await open_feed(work.tx, bearer.clinic_id, feed_id, token, (wanted.kind, wanted.id))
        return {"feed_id": feed_id, "path": f"/feeds/{token}.ics"}

    async def revoke(self, request: Request, feed_id: Identifier) -> Response:
        """The feed's address shows nothing any more."""
        bearer = self.bearer(request)
        async with self.running.door.work() as work:
            known = await close_feed(work.tx, bearer.clinic_id, feed_id)
        if not known:
            raise HTTPException(404, "This clinic has no such feed.")
        return Response(status_code=204)

    async def show(self, request: Request, token: str) -> Response:
        """The feed as text/calendar; 304 where nothing has changed since the `ETag` given."""
        async with self.running.engine.connect() as tx:
            feed = await find_feed(tx, token)
            if feed is None:
                raise HTTPException(404, "There is no such feed (any more).")
            rows = await appointments_of(tx, feed, self.running.clock.now() - _PAST)
        body = calendar_of(Entry(row.id, row.version, row.start_at, row.end_at, row.room_id) for row in rows)
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="text/calendar", headers=headers)


def mount_feeds(feeds: Feeds, app: FastAPI) -> None:
    """Add the routes."""
    app.add_api_route("/feeds", feeds.open, methods=["POST"], status_code=201)
    app.add_api_route("/feeds/{feed_id}", feeds.revoke, methods=["DELETE"], status_code=204, response_model=None)
    app.add_api_route("/feeds/{token}.ics", feeds.show, methods=["GET"], response_model=None)
