"""What every service does for operators over HTTP, beside its health: figures, what is stranded, taking it up again.

A service tells of its own tables and its own dead letters alone. An operator sees what belongs to their clinic, and
what can't be said to belong to any: masked, that tells nothing of anybody.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Body, FastAPI, Header, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from shared.messaging.allowance import Allowance
from shared.messaging.mending import Change, mend_with
from shared.messaging.replay_run import Desk, Fate, replay
from shared.messaging.stranded import Kind, NoSuchId, Selection, Stranded, find_stranded, parse_id
from shared.messaging.stranded_json import as_json, fate_as_json, record_as_json
from shared.messaging.stranded_records import NotStranded, records_of
from shared.messaging.transactions import begin
from shared.messaging.workload import workload
from shared.tokens import Bearer, NotAllowed, NotAuthenticated, Tokens

_MOST: Final = 500
_MOST_AT_ONCE: Final = 1_000
_Authorization = Annotated[str, Header()]
_Text = Annotated[str, Field(max_length=300)]
Problems = Callable[[], Awaitable[list[str]]]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Filters(_Model):
    """Which of the stranded are meant; patterns may hold `*`."""

    ids: list[_Text] = Field(default_factory=list[str], max_length=_MOST)
    kind: Kind | None = None
    topic: _Text = ""
    key: _Text = ""
    event_type: _Text = ""
    reason: _Text = ""

    def selection(self, service: str) -> Selection:
        """The same for `find_stranded`."""
        return Selection(frozenset(self.ids), self.kind, service, self.topic, self.key, self.event_type, self.reason)


class ReplayAsked(Filters):
    """What to take up again."""

    dry_run: bool = False
    most: Annotated[int, Field(ge=1, le=_MOST_AT_ONCE)] = _MOST_AT_ONCE


class ChangeAsked(_Model):
    """See `mending.Change`."""

    pointer: _Text
    value: Annotated[str, Field(max_length=10_000)] | None = None


class MendAsked(_Model):
    """Put back a dead letter with changes."""

    id: _Text
    changes: Annotated[list[ChangeAsked], Field(min_length=1, max_length=50)]
    dry_run: bool = False


class Operations:
    """The routes of one service."""

    def __init__(self, desk: Desk, bootstrap: str, tokens: Callable[[], Tokens], problems: Problems) -> None:
        self.desk, self._bootstrap, self._problems = desk, bootstrap, problems
        self._tokens_of = tokens
        self._engines = {desk.door.service: desk.door.engine}

    def add_routes(self, app: FastAPI) -> None:
        """Add them."""
        for method, path, route in (
            ("GET", "/operations/figures", self.figures),
            ("GET", "/operations/stranded", self.stranded),
            ("GET", "/operations/stranded/{word:path}", self.one),
            ("POST", "/operations/replay", self.replay),
            ("POST", "/operations/mend", self.mend),
        ):
            app.add_api_route(path, route, methods=[method], include_in_schema=False)

    async def figures(self, authorization: _Authorization = "") -> dict[str, Any]:
        """How the service is, and what waits in it."""
        self._operator(authorization)
        async with begin(self.desk.door.engine) as tx:
            return {"service": self._service, "problems": await self._problems(), **await workload(tx)}

    async def stranded(self, wanted: Annotated[Filters, Query()], authorization: _Authorization = "") -> dict[str, Any]:
        """What waits for a person, longest first; at most 500 of them, and how many there are."""
        found = await self._found(wanted, self._operator(authorization))
        return {"count": len(found), "stranded": [as_json(one) for one in found[:_MOST]]}

    async def one(self, word: str, authorization: _Authorization = "") -> dict[str, Any]:
        """One of them with its records, masked."""
        bearer = self._operator(authorization)
        try:
            named = parse_id(word)
            if named.service != self._service:
                raise HTTPException(404)
            one, records = await records_of(named, self._engines, self._bootstrap)
        except (NoSuchId, NotStranded):
            raise HTTPException(404) from None
        if not self._may_see(one, bearer):
            raise HTTPException(404)
        return as_json(one) | {"records": [record_as_json(record) for record in records]}

    async def replay(self, asked: Annotated[ReplayAsked, Body()], authorization: _Authorization = "") -> dict[str, Any]:
        """Take up what is meant; what fails stays, with its reason."""
        chosen = await self._found(asked, self._operator(authorization))
        limit = Allowance(most=asked.most)
        return self._told(await replay(chosen, self._desks, self._bootstrap, allowance=limit, dry_run=asked.dry_run))

    async def mend(self, asked: Annotated[MendAsked, Body()], authorization: _Authorization = "") -> dict[str, Any]:
        """Put back one dead letter with changes, if the service can read it then."""
        chosen = await self._found(Filters(ids=[asked.id], kind="letter"), self._operator(authorization))
        mend = mend_with([Change(change.pointer, change.value) for change in asked.changes])
        return self._told(await replay(chosen, self._desks, self._bootstrap, dry_run=asked.dry_run, mend=mend))

    @property
    def _service(self) -> str:
        return self.desk.door.service

    @property
    def _desks(self) -> dict[str, Desk]:
        return {self._service: self.desk}

    async def _found(self, wanted: Filters, bearer: Bearer) -> list[Stranded]:
        try:
            found = await find_stranded(self._engines, self._bootstrap, wanted.selection(self._service))
        except NoSuchId as error:
            raise HTTPException(422, str(error)) from None
        return [one for one in found if self._may_see(one, bearer)]

    def _may_see(self, one: Stranded, bearer: Bearer) -> bool:
        return one.key.partition("/")[0] not in self._tokens.clinics - {bearer.clinic_id}

    @property
    def _tokens(self) -> Tokens:
        return self._tokens_of()

    def _operator(self, authorization: str) -> Bearer:
        try:
            return self._tokens.bearer(authorization, "operator")
        except NotAuthenticated:
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from None
        except NotAllowed:
            raise HTTPException(403) from None

    def _told(self, fates: list[Fate]) -> dict[str, Any]:
        return {"fates": [fate_as_json(fate) for fate in fates]}
