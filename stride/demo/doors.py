"""Stride's public doors, as a clinic system uses them: HTTP, FHIR, and the inbound Kafka topic.

A clinic system that gets no answer, or 503, sends the very same event again until it has one.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.clock import wall_seconds
from shared.events.base import Fact
from shared.events.console import AlertActionRequested, PlanAdjustmentApproved, ProposalDecision
from shared.events.progress import PlanAdjustmentProposed
from shared.flow import INBOUND_TOPIC
from stride.demo.fhir import bundle
from stride.demo.handing import Handing
from stride.demo.ledger import Answer, Entry, Ledger

R = TypeVar("R")

_PATIENCE_SECONDS = 90
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0
_REFUSED = 400
_TRY_AGAIN = frozenset({429, 502, 503, 504})


class NoAnswer(Exception):
    """A door stayed closed for longer than a clinic system tries."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The bearer tokens of the clinics' systems and clinicians, by (clinic, role)."""

    by_grant: Mapping[tuple[str, str], str]

    @classmethod
    def read(cls, path: Path) -> "Tokens":
        """From the file for people: `clinic system role token`, one a line."""
        grants = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return cls({(clinic, role): token for clinic, _, role, token in grants})

    def header(self, clinic_id: str, role: str = "clinic-system") -> dict[str, str]:
        return {"authorization": f"Bearer {self.by_grant[clinic_id, role]}"}


class Doors:
    """Hands events in and notes every answer in the ledger."""

    def __init__(self, intake_url: str, bootstrap: str, tokens: Tokens, http: httpx.AsyncClient) -> None:
        self._intake = intake_url
        self._bootstrap = bootstrap
        self._tokens = tokens
        self._http = http
        self._producer: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()
        self.ledger = Ledger()

    @classmethod
    @asynccontextmanager
    async def open(cls, intake_url: str, bootstrap: str, tokens: Tokens) -> AsyncGenerator["Doors"]:
        """Doors that are closed again at the end."""
        async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
            doors = cls(intake_url, bootstrap, tokens, http)
            try:
                yield doors
            finally:
                await doors._drop_producer()

    async def hand_in(self, handing: Handing) -> None:
        """Hand it in, twice where it says so, and note what became of it."""
        await self._hand_in_once(handing)
        if handing.again:
            await self._hand_in_once(handing)

    async def proposals(self, clinic_id: str) -> list[PlanAdjustmentProposed]:
        """What waits for a clinician's decision, in a fixed order."""
        headers = self._tokens.header(clinic_id, "clinician")
        response = await self._until_answered(lambda: self._http.get(f"{self._intake}/proposals", headers=headers))
        response.raise_for_status()
        found = [PlanAdjustmentProposed.model_validate(item) for item in response.json()["proposals"]]
        return sorted(found, key=lambda proposal: (proposal.patient_id, proposal.proposal_id))

    async def _hand_in_once(self, handing: Handing) -> None:
        if handing.door == "kafka":
            await self._send(handing)
            self.ledger.note(Entry(handing, "handed-over", wall_seconds()))
            return
        post = {"fhir": self._post_bundle, "staff": self._post_decision, "http": self._post_event}[handing.door]
        response = await self._until_answered(lambda: post(handing))
        self.ledger.note(_entry(handing, response))

    async def _post_event(self, handing: Handing) -> httpx.Response:
        (fact,) = handing.facts
        headers = {f"ce-{name}": value for name, value in _attributes(handing, fact).items()}
        role = "clinician" if isinstance(fact, AlertActionRequested) else "clinic-system"
        headers |= {"content-type": "application/json", **self._tokens.header(handing.clinic_id, role)}
        return await self._http.post(f"{self._intake}/events", content=_body(fact), headers=headers)

    async def _post_bundle(self, handing: Handing) -> httpx.Response:
        headers = {"content-type": "application/fhir+json", **self._tokens.header(handing.clinic_id)}
        return await self._http.post(f"{self._intake}/fhir", content=bundle(handing.facts), headers=headers)

    async def _post_decision(self, handing: Handing) -> httpx.Response:
        (fact,) = handing.facts
        assert isinstance(fact, ProposalDecision)
        verb = "approve" if isinstance(fact, PlanAdjustmentApproved) else "decline"
        url = f"{self._intake}/plans/{fact.plan_id}/proposals/{fact.proposal_id}/{verb}"
        return await self._http.post(url, headers=self._tokens.header(handing.clinic_id, "clinician"))

    async def _until_answered(self, ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        """The first answer that is one."""
        pause, give_up = _FIRST_PAUSE, wall_seconds() + _PATIENCE_SECONDS
        while wall_seconds() < give_up:
            with suppress(httpx.TransportError):
                response = await ask()
                if response.status_code not in _TRY_AGAIN:
                    return response
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        raise NoAnswer(f"Intake gave no answer within {_PATIENCE_SECONDS} s.")

    async def _send(self, handing: Handing) -> None:
        """Put the event on the inbound topic; returns when Kafka has it."""
        (fact,) = handing.facts
        attributes = {f"ce_{name}": value for name, value in _attributes(handing, fact).items()}
        attributes |= {"content-type": "application/json", **self._tokens.header(handing.clinic_id)}
        headers = [(name, value.encode()) for name, value in attributes.items()]
        give_up = wall_seconds() + _PATIENCE_SECONDS
        while True:
            try:
                async with asyncio.timeout(20):
                    producer = await self._ready_producer()
                    await producer.send_and_wait(INBOUND_TOPIC, _body(fact), fact.key.encode(), headers=headers)
                return
            except (KafkaError, OSError, TimeoutError) as error:
                if wall_seconds() > give_up:
                    raise NoAnswer(f"Kafka took no event within {_PATIENCE_SECONDS} s.") from error
                await self._drop_producer()
                await asyncio.sleep(_LONGEST_PAUSE)

    async def _ready_producer(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap, acks="all", enable_idempotence=True, request_timeout_ms=10_000
                )
                await producer.start()
                self._producer = producer
            return self._producer

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(Exception):
                async with asyncio.timeout(5):
                    await producer.stop()


def _attributes(handing: Handing, fact: Fact) -> dict[str, str]:
    return {
        "specversion": "1.0",
        "id": handing.event_id,
        "source": f"https://records.{handing.clinic_id}.example",
        "type": fact.wire_type(),
        "subject": fact.subject,
        "time": handing.due.isoformat(),
    }


def _body(fact: Fact) -> bytes:
    """Without the clinic: that is told by the token."""
    return fact.model_dump_json(exclude_none=True, exclude={"clinic_id"}).encode()


def _entry(handing: Handing, response: httpx.Response) -> Entry:
    answered_at = wall_seconds()
    if not response.is_success:
        return Entry(handing, "refused", answered_at, response.status_code, response.text[:500])
    content = response.json()
    if handing.door == "fhir":
        codes = {int(entry["response"]["status"][:3]) for entry in content["entry"]}
        answer: Answer = "refused" if max(codes) >= _REFUSED else "repeat" if codes == {200} else "accepted"
        return Entry(handing, answer, answered_at, max(codes), response.text[:500] if answer == "refused" else "")
    answer = "repeat" if content["status"] == "repeat" else "accepted"
    return Entry(handing, answer, answered_at, response.status_code)
