"""The page where patients choose what they may be sent, and how. A GET changes nothing: mail scanners follow links."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.requests import Request
from starlette.responses import Response

from services.notifications.api.recording import hand_in
from services.notifications.api.visits import DeadLink, Visit, Visits, form_of
from services.notifications.domain.choices import AS_THE_CLINIC, OPTIONAL_TOPICS, language_of, quiet_hours
from services.notifications.domain.proof import ProofWished, codes_sent
from services.notifications.domain.reach import is_verified, only_to_call, preferred
from services.notifications.domain.state import wish
from services.notifications.domain.wishes import ChoicesGiven
from services.notifications.letters.says import Says
from services.notifications.store import allowances
from services.notifications.store.allowances import Limit
from shared.ids import random_id

_TRIES: Final = Limit(per_second=1 / 600, burst=5)
"""How often a code may be guessed: five times, then once in ten minutes."""
_DONE: Final = {
    "saved": Says.SAVED,
    "none": Says.NONE_LEFT,
    "code": Says.PROVED,
    "again": Says.ANOTHER_CODE,
}


def routes(app: FastAPI, visits: Visits) -> None:
    """Add them."""
    page = Preferences(visits)
    app.add_api_route("/p/{token}", page.show, response_class=HTMLResponse)
    app.add_api_route("/p/{token}", page.take, methods=["POST"], response_class=HTMLResponse)
    app.add_api_route("/u/{token}", page.ask, response_class=HTMLResponse)
    app.add_api_route("/u/{token}", page.stop, methods=["POST"], response_class=HTMLResponse)


class Preferences:
    """The routes."""

    def __init__(self, visits: Visits) -> None:
        self._visits = visits

    async def show(self, token: str, request: Request) -> Response:
        """The choices as they are."""
        visit = await self._visits.open(token, request)
        done = _DONE.get(request.query_params.get("done", ""), "")
        return self._page(visit, done=done)

    async def take(self, token: str, request: Request) -> Response:
        """What the patient chose, or the code that they got."""
        form = await form_of(request)
        if form.get("form") == "renew" and (link := self._visits.expired(token)):
            visit = await self._visits.of(link, request)
            await self._prove(visit, "link")
            return self._visits.notice(visit, Says.LOOK_AT_MAIL, Says.LINK_SENT)
        visit = await self._visits.open(token, request)
        match form.get("form"):
            case "code":
                return await self._code(token, visit, form)
            case "again":
                problem = await self._prove(visit, "verify")
                return self._page(visit, problem, 429) if problem else self._done(token, "again")
            case "none":
                return await self._save(token, visit, {"email": "off", "sms": "off"}, "none")
            case _:
                return await self._choices(token, visit, form)

    async def ask(self, token: str, request: Request) -> Response:
        """What the link in a mail's header would do."""
        visit = await self._visits.open(token, request)
        button = ("stop", self._visits.words(visit, Says.STOP))
        return self._visits.notice(
            visit, Says.STOP_QUESTION, Says.STOP_MEANS,
            button=button,
        )  # fmt: skip

    async def stop(self, token: str, request: Request) -> Response:
        """Opt out of mail, by the reader or by the reader's mail program (RFC 8058); also with a link that is old."""
        link = self._visits.expired(token)
        try:
            visit = await (self._visits.of(link, request) if link else self._visits.open(token, request))
        except DeadLink as dead:
            return dead.page
        await self._record(visit, {"email": "off"}, "one-click")
        more = (f"/p/{token}", self._visits.words(visit, Says.CHOOSE))
        return self._visits.notice(visit, Says.DONE, Says.STOPPED, link=more)

    async def _choices(self, token: str, visit: Visit, form: Mapping[str, str]) -> Response:
        """Save the whole form. A number that is not proved yet gets a code."""
        quiet = _quiet(form)
        if quiet is None:
            return self._page(visit, self._visits.words(visit, Says.QUIET_TIMES), 422)
        problem = await self._record(visit, {**_chosen(form, visit), "quiet": quiet}, "page")
        if problem:
            return self._page(visit, self._visits.words(visit, Says.NOT_SAVED), 422)
        if form.get("sms") == "on" and not is_verified(visit.patient, "sms"):
            problem = await self._prove(visit, "verify")
            return self._page(visit, problem, 429) if problem else self._visits.away(f"/p/{token}#code")
        return self._done(token, "saved")

    async def _code(self, token: str, visit: Visit, form: Mapping[str, str]) -> Response:
        given = "".join(filter(str.isdigit, form.get("code", "")))
        running, phone = self._visits.running, visit.patient.contact and visit.patient.contact.phone
        async with running.door.work() as work:
            if not await allowances.take(work.tx, f"code/{visit.patient.key}", _TRIES, 1):
                return self._page(visit, self._visits.words(visit, Says.TOO_MANY_TRIES), 429)
        sent = codes_sent(visit.patient, running.clock.now())
        if not phone or given not in {self._visits.signer.code(d.delivery_id, phone) for d in sent}:
            return self._page(visit, self._visits.words(visit, Says.WRONG_CODE), 422)
        return await self._save(token, visit, {"sms": "on", "verified.sms": "yes"}, "code")

    async def _save(self, token: str, visit: Visit, choices: dict[str, str], done: str) -> Response:
        await self._record(visit, choices, "page")
        return self._done(token, done)

    def _done(self, token: str, done: str) -> Response:
        return self._visits.away(f"/p/{token}?done={done}")

    async def _record(self, visit: Visit, choices: dict[str, str], way: str) -> str:
        """Why it was refused; "" where it was not."""
        fact = ChoicesGiven.model_validate(
            {
                **visit.whose, "request_id": random_id(), "choices": {**choices, **visit.proves},
                "way": way, "given_by": visit.link.patient_id,
            }
        )  # fmt: skip
        (outcome,) = await hand_in(self._visits.running, fact)
        return outcome.reason

    async def _prove(self, visit: Visit, topic: str) -> str:
        fact = ProofWished.model_validate({**visit.whose, "request_id": random_id(), "topic": topic})
        (outcome,) = await hand_in(self._visits.running, fact)
        return self._visits.words(visit, Says.TOO_MANY_CODES) if outcome.state == "refused" else ""

    def _page(self, visit: Visit, problem: str = "", status: int = 200, done: str = "") -> HTMLResponse:
        values = {**_shown(visit), "languages": self._visits.pages.languages, "problem": problem,
                  "done": self._visits.words(visit, done) if done else ""}  # fmt: skip
        return self._visits.page(visit, "choices", values, status)


def _chosen(form: Mapping[str, str], visit: Visit) -> dict[str, str]:
    """The form as choices: a box without its tick is not sent. What the page did not offer stays as it is."""
    contact = visit.patient.contact
    offered = {"email": contact and contact.email, "sms": contact and contact.phone}
    boxes = [*(channel for channel, at in offered.items() if at), *(f"topic.{topic}" for topic in OPTIONAL_TOPICS)]
    named = {what: form[what] for what in ("channel", "content", "language") if form.get(what)}
    return {**{box: "on" if form.get(box) == "on" else "off" for box in boxes}, **named}


def _quiet(form: Mapping[str, str]) -> str | None:
    """The choice of quiet hours; nothing where the times can't be."""
    if form.get("quiet") != "own":
        return AS_THE_CLINIC
    start, end = (form.get(name, "").replace(":", "")[:4] for name in ("quiet-start", "quiet-end"))
    return f"{start}-{end}" if quiet_hours(f"{start}-{end}") else None


def _shown(visit: Visit) -> dict[str, Any]:
    """What the page of choices shows."""
    patient, contact = visit.patient, visit.patient.contact
    chosen = quiet_hours(wish(patient, "quiet", AS_THE_CLINIC))
    clinics = patient.desk.messages.quiet_hours
    phone = contact.phone if contact else None
    waits = wish(patient, "sms", "") == "on" and not is_verified(patient, "sms")
    own = chosen or clinics
    return {
        "email": _masked(contact.email) if contact and contact.email else "",
        "email_on": wish(patient, "email", "on") == "on",
        "phone": phone[-3:] if phone else "",
        "sms_on": wish(patient, "sms", "") == "on",
        "code_for": phone[-3:] if phone and waits else "",
        "channel": preferred(patient)[0],
        "topics": {topic: wish(patient, f"topic.{topic}", "on") == "on" for topic in OPTIONAL_TOPICS},
        "content": "call" if only_to_call(patient) else "full",
        "quiet": "own" if chosen else "clinic",
        "clinic_quiet": (f"{clinics.start:%H:%M}", f"{clinics.end:%H:%M}"),
        "own_quiet": (f"{own.start:%H:%M}", f"{own.end:%H:%M}"),
        "reads": language_of(patient).split("-")[0],
    }


def _masked(email: str) -> str:
    """Enough to know one's own address by, and no more: whoever has the link may not be the patient.

    Between Unicode's isolates, so that it stays whole among words that run the other way.
    """
    name, _, domain = email.rpartition("@")
    return f"\u2068{name[:1]}…@{domain}\u2069"
