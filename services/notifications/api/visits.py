"""Patients who follow a signed link: who they are, which language they read, and kind words where it is too old."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.notifications.domain.choices import language_of
from services.notifications.domain.reach import mark
from services.notifications.domain.state import Patient
from services.notifications.letters.pages import Pages
from services.notifications.letters.says import Says
from services.notifications.store.patients import PatientStore
from shared.clinics import Clinic
from shared.ids import patient_key
from shared.links import LinkExpired, LinkInvalid, PatientLink, Signer
from shared.messaging.service import Running

_MOST_BYTES: Final = 16 * 1024
_FIELDS: Final = 100


@dataclass(frozen=True, slots=True)
class Visit:
    """One request by whoever has a patient's link."""

    link: PatientLink
    patient: Patient
    clinic: Clinic
    language: str

    @property
    def whose(self) -> dict[str, str]:
        """Clinic and patient, as facts name them."""
        return {"clinic_id": self.link.clinic_id, "patient_id": self.link.patient_id}

    @property
    def proves(self) -> dict[str, str]:
        """What the link proves: that the mail address of now is read by whoever has it."""
        read_here = self.link.mark and self.link.mark == mark(self.patient, "email")
        return {"verified.email": "yes"} if read_here else {}


class Visits:
    """Opens links and answers with pages."""

    def __init__(self, running: Running, pages: Pages, clinics: Mapping[str, Clinic]) -> None:
        self.running, self.pages = running, pages
        settings = running.settings
        self._signer = Signer.of(settings.stride_link_keys, settings.stride_tokens)
        self._clinics = clinics

    @property
    def signer(self) -> Signer:
        """What signs links and codes."""
        return self._signer

    async def open(self, token: str, request: Request) -> Visit:
        """The visit that a link allows.

        Raises:
            DeadLink: it is none, or too old.
        """
        try:
            link = self._signer.patient(token, self.running.clock.now())
        except LinkExpired as error:
            raise DeadLink(await self._too_old(PatientLink(*error.parts), request)) from None
        except LinkInvalid:
            raise DeadLink(self._unknown(request)) from None
        if link.clinic_id not in self._clinics:
            raise DeadLink(self._unknown(request))
        return await self.of(link, request)

    async def of(self, link: PatientLink, request: Request) -> Visit:
        """The patient as they stand now; the page's own language button wins."""
        store, key = self.running.door.store, patient_key(link.clinic_id, link.patient_id)
        assert isinstance(store, PatientStore)
        async with self.running.door.work() as work:
            patient = (await store.load_patients(work.tx, {key: (link.clinic_id, link.patient_id)}))[key]
        language = self.pages.nearest(request.query_params.get("lang", ""), language_of(patient))
        return Visit(link, patient, self._clinics[link.clinic_id], language)

    def page(self, visit: Visit, name: str, values: dict[str, Any], status: int = 200) -> HTMLResponse:
        """A page to a visitor."""
        shown = {"clinic_short": self._short(visit), "clinic_phone": visit.clinic.phone, **values}
        return self._html(self.pages.render(name, visit.language, shown), status)

    def notice(self, visit: Visit, heading: str, *paragraphs: str, status: int = 200, **more: Any) -> HTMLResponse:
        """A page with a heading and a few sentences, all in English: they are translated here."""
        said = [self.words(visit, words) for words in paragraphs]
        values = {"heading": self.words(visit, heading), "paragraphs": said, "button": None, "link": None, **more}
        return self.page(visit, "notice", values, status)

    def words(self, visit: Visit, message: str, **values: object) -> str:
        """One sentence to a visitor."""
        return self.pages.words(visit.language, message, **values)

    async def _too_old(self, link: PatientLink, request: Request) -> HTMLResponse:
        if link.clinic_id not in self._clinics:
            return self._unknown(request)
        visit = await self.of(link, request)
        renew = ("renew", self.words(visit, Says.SEND_LINK))
        return self.notice(
            visit, Says.TOO_OLD, Says.NEW_LINK,
            Says.NEWER_MESSAGES, status=410, button=renew,
        )  # fmt: skip

    def expired(self, token: str) -> PatientLink | None:
        """Whose link it was; nothing where it still holds, or never did."""
        try:
            self._signer.patient(token, self.running.clock.now())
        except LinkExpired as error:
            link = PatientLink(*error.parts)
            return link if link.clinic_id in self._clinics else None
        except LinkInvalid:
            return None
        return None

    def _unknown(self, request: Request) -> HTMLResponse:
        language = self.pages.nearest(request.headers.get("accept-language", ""))
        said = [
            self.pages.words(language, Says.CUT_OFF),
            self.pages.words(language, Says.CALL_CLINIC),
        ]
        values = {
            "heading": self.pages.words(language, Says.NOT_RIGHT), "paragraphs": said, "button": None,
            "link": None, "clinic_short": self.pages.words(language, Says.YOUR_CLINIC), "clinic_phone": "",
        }  # fmt: skip
        return self._html(self.pages.render("notice", language, values), 404)

    def _short(self, visit: Visit) -> str:
        return visit.clinic.discreet_name or self.words(visit, Says.YOUR_CLINIC)

    def _html(self, content: str, status: int) -> HTMLResponse:
        return HTMLResponse(content, status, headers=dict(self.pages.headers))

    def away(self, to: str) -> Response:
        """To another page, so that going back does not send a form again."""
        return RedirectResponse(to, 303, headers=dict(self.pages.headers))


class DeadLink(Exception):
    """A link that opens nothing; `page` says so."""

    def __init__(self, page: HTMLResponse) -> None:
        super().__init__()
        self.page = page


async def dead_link(_: Request, error: Exception) -> Response:
    """The page that says so."""
    assert isinstance(error, DeadLink)
    return error.page


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form; of several of a name, the last.

    Raises:
        HTTPException: 413 or 422 where it is no form of ours.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise HTTPException(413)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError:
        raise HTTPException(422, "This is no form that the page sends.") from None
