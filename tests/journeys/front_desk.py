"""A clinic with one session on each of three days, on a stack of its own, seen from outside: doors, mails, clock."""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from icalendar import Calendar as Invitation

from shared.clock import FileClock
from shared.settings import ROOT
from stride.cli.stack import stack_settings
from stride.demo.doors import Tokens
from stride.demo.drain import Drain
from stride.demo.watch import Topics, all_topics
from stride.embedded import External, Stack
from tests.journeys.rebuilds import Clinic

CLINIC = "hill"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""A Monday; the clocks of the clinic show the same."""
_HOURS = {day: [{"start": "08:00", "end": "09:00"}] for day in ("MO", "WE", "FR")}
_ONCE = {"name": "once", "sessions_per_week": 1, "weeks": 1, "min_gap_days": 1, "max_gap_days": 9}


@dataclass(frozen=True, slots=True)
class Mail:
    """One message that a patient got."""

    subject: str
    text: str
    invitation: Any
    """The calendar that came with it, or None."""

    @property
    def offer(self) -> str:
        """The path of the link to an offer."""
        found = re.search(r"https?://\S+?(/o/\S+)", self.text)
        assert found, self.text
        return found[1]

    @property
    def event(self) -> Any:
        """The one event of its invitation."""
        assert self.invitation
        (event,) = self.invitation.walk("VEVENT")
        return event


@dataclass(frozen=True, slots=True)
class FrontDesk:
    """The stack, and what is done at it; whatever is done is through when a method returns."""

    clinic: Clinic
    clock: FileClock
    drain: Drain
    http: httpx.AsyncClient
    tokens: Tokens

    @property
    def scheduling(self) -> str:
        return self.clinic.addresses.services["scheduling"]

    async def settled(self) -> None:
        await self.drain.wait(self.clock.now())

    async def later(self, step: timedelta) -> None:
        """Let time go by."""
        self.clock.set(self.clock.now() + step)
        await self.settled()

    async def tell(self, name: str, number: str, data: Mapping[str, Any]) -> None:
        """Hand an event in."""
        source = {"specversion": "1.0", "id": f"{name}-{number}", "source": "https://clinic.example"}
        headers = self.tokens.header(CLINIC) | {"content-type": "application/cloudevents+json"}
        event = {**source, "type": f"clinic.{name}.v1", "data": data}
        answer = await self.http.post(f"{self.clinic.addresses.services['intake']}/events", json=event, headers=headers)
        assert answer.status_code == 202, answer.text
        await self.settled()

    async def patient(self, name: str, **wishes: Any) -> None:
        """Somebody who has had a consultation, and so gets a course of one session."""
        at = self.clock.now().isoformat()
        contact = {"name": name.title(), "email": f"{name}@patients.example", "language": "en-GB"}
        await self.tell("patient.registered", name, {"patient_id": name, "recorded_at": at, "contact": contact})
        consultation = {"patient_id": name, "consultation_id": f"con-{name}", "completed_at": at, "condition": "M54.50"}
        more = {"severity": "moderate", "age_years": 50, "contraindications": ["none"], **wishes}
        await self.tell("consultation.completed", name, consultation | more)

    async def cancel(self, name: str) -> datetime:
        """The patient gives the session up; gives when it was."""
        gone = await self.appointment(name)
        data = {"request_id": f"gone-{name}", "patient_id": name, "appointment_id": gone["id"], "change": "cancel"}
        asked = {"requested_at": self.clock.now().isoformat(), "rebook": False}
        await self.tell("appointment.change.requested", f"gone-{name}", data | asked)
        return datetime.fromisoformat(gone["start"])

    async def appointment(self, name: str) -> dict[str, Any]:
        """The appointment that the patient has."""
        (found,) = (await self.ask(f"/appointments?patient_id={name}&status=booked"))["appointments"]
        return found

    async def ask(self, path: str) -> Any:
        """Scheduling's answer to staff."""
        answer = await self.http.get(f"{self.scheduling}{path}", headers=self.tokens.header(CLINIC, "front-desk"))
        answer.raise_for_status()
        return answer.json()

    async def do(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """What staff want of scheduling."""
        allowed = self.tokens.header(CLINIC, "front-desk") | headers
        answer = await self.http.post(f"{self.scheduling}{path}", json=body, headers=allowed)
        await self.settled()
        return answer

    async def look(self, link: str) -> httpx.Response:
        """Open the link of an offer."""
        return await self.http.get(self.scheduling + link)

    async def answer(self, link: str, said: str) -> httpx.Response:
        """Press one of the two buttons behind the link."""
        page = await self.http.post(self.scheduling + link, data={"answer": said})
        await self.settled()
        return page

    async def mails(self, name: str) -> list[Mail]:
        """All that the patient got, oldest first."""
        mailbox, address = self.clinic.addresses.mailbox, f"{name}@patients.example"
        told = (await self.http.get(f"{mailbox}/api/messages")).json()["messages"]
        mine = [each["id"] for each in told if address in each["to"]]
        return [_mail((await self.http.get(f"{mailbox}/api/messages/{number}/raw")).content) for number in mine]


def _mail(raw: bytes) -> Mail:
    message = message_from_bytes(raw, policy=modern)
    assert isinstance(message, EmailMessage)
    plain = message.get_body(("plain",))
    calendars = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
    invitation = Invitation.from_ical(calendars[0].get_content()) if calendars else None
    assert plain
    return Mail(str(message["Subject"]), str(plain.get_content()), invitation)


@asynccontextmanager
async def open_front_desk(home: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[FrontDesk]:
    """The clinic, open on a Monday morning."""
    _write_files(home, monkeypatch)
    clock = FileClock.create(home / "clock", NOW)
    environment = {"STRIDE_CLOCK": str(home / "clock")}
    settings = replace(stack_settings(external=External()), durable=False, environment=environment)
    async with AsyncExitStack() as opened:
        stack = await opened.enter_async_context(Stack(home, settings))
        topics = await opened.enter_async_context(Topics.open(stack.addresses.kafka_bootstrap, all_topics()))
        drain = Drain(stack.addresses.database_url, topics)
        opened.push_async_callback(drain.close)
        http = await opened.enter_async_context(httpx.AsyncClient(timeout=60, trust_env=False))
        tokens = Tokens.read(stack.addresses.tokens.with_name("tokens.txt"))
        yield FrontDesk(Clinic(stack, home), clock, drain, http, tokens)


def _write_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clinic with one practitioner and one room, and a protocol of one session."""
    clinic = yaml.safe_load((ROOT / "clinics" / "riverside.yaml").read_text(encoding="utf-8"))
    one = {name: clinic[name][:1] for name in ("practitioners", "rooms")}
    waitlist = {"waitlist": {"at_most": 2, "open_minutes": 60, "notice_minutes": 120}}
    _write(home, "clinics", clinic | one | waitlist | {"clinic_id": CLINIC, "hours": _HOURS, "holidays": None})
    protocol = yaml.safe_load((ROOT / "protocols" / "low-back-pain-acupuncture.yaml").read_text(encoding="utf-8"))
    ladder = [{"name": "full", "phases": [_ONCE]}, {"name": "discharge", "phases": []}]
    milestones = [each for each in protocol["milestones"] if each["kind"] == "confirmed-change"]
    once = {"phases": [_ONCE], "ladder": ladder, "customisation": [], "milestones": milestones}
    _write(home, "protocols", protocol | once)
    for folder in ("clinics", "protocols"):
        monkeypatch.setenv(f"STRIDE_{folder.upper()}", str(home / folder))


def _write(home: Path, folder: str, content: Any) -> None:
    (home / folder).mkdir(parents=True)
    (home / folder / "one.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
