"""What patients text back: STOP, START, HELP and anything else, each answered in their language.

Whoever holds a number decides for it: STOP ends the texts of everybody who gave it, START brings them back and
proves the number. What is answered goes back in the provider's own call, so that it leaves as often as it was asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI, HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.notifications.api.calls import address_of, authentic, body_of
from services.notifications.api.recording import hand_in
from services.notifications.domain.choices import language_of
from services.notifications.domain.keywords import Asked, keyword
from services.notifications.domain.state import Patient
from services.notifications.domain.wishes import ChoicesGiven
from services.notifications.gateways.provider import Incoming, Listening
from services.notifications.letters import Letters
from services.notifications.store import numbers
from services.notifications.store.patients import PatientStore
from shared.clinics import Clinic
from shared.ids import derived_id, patient_key
from shared.messaging.service import Running

_CHOICES: Final[Mapping[Asked, dict[str, str]]] = {
    "stop": {"sms": "off"},
    "start": {"sms": "on", "verified.sms": "yes"},
}
_ANSWERS: Final[Mapping[Asked, str]] = {"stop": "stopped", "start": "started", "help": "help"}


def routes(
    running: Running, app: FastAPI, providers: Sequence[Listening], clinics: Mapping[str, Clinic], letters: Letters
) -> None:
    """Add them."""
    texts = Texts(running, {provider.name: provider for provider in providers}, clinics, letters)
    app.add_api_route("/texts/{provider}", texts.take, methods=["POST"])


@dataclass(frozen=True, slots=True)
class Texts:
    """Takes in text messages of the providers that hand them in."""

    running: Running
    providers: Mapping[str, Listening]
    clinics: Mapping[str, Clinic]
    letters: Letters

    async def take(self, provider: str, request: Request) -> Response:
        """200 once it is done; a provider that comes again gets the same answer, and nothing is done twice."""
        listening = self.providers.get(provider)
        if listening is None:
            raise HTTPException(404)
        body = await body_of(request)
        with authentic(provider):
            text = listening.incoming(address_of(self.running, request), request.headers, body)
        patients = await self._whose(text.number)
        asked = keyword(text.body)
        if asked in _CHOICES:
            await hand_in(self.running, *(_choice(provider, text, patient, asked) for patient in patients))
        words = "" if text.answered else self._words(patients, asked)
        answer = listening.answer(words)
        return Response(answer.content, media_type=answer.media_type)

    async def _whose(self, number: str) -> list[Patient]:
        store = self.running.door.store
        assert isinstance(store, PatientStore)
        async with self.running.door.work() as work:
            found = await numbers.patients_of(work.tx, number)
            wanted = {patient_key(*whose): whose for whose in found if whose[0] in self.clinics}
            return list((await store.load_patients(work.tx, wanted)).values())

    def _words(self, patients: Sequence[Patient], asked: Asked | None) -> str:
        """The answer in the name of the clinic that texted last. Strangers get none: we do not know their language."""
        if not patients or patients[0].contact is None:
            return ""
        patient = patients[0]
        contact = patients[0].contact._replace(language=language_of(patient))
        return self.letters.answer(self.clinics[patient.clinic_id], contact, _ANSWERS.get(asked or "help", "help"))


def _choice(provider: str, text: Incoming, patient: Patient, asked: Asked) -> ChoicesGiven:
    return ChoicesGiven(
        clinic_id=patient.clinic_id,
        patient_id=patient.patient_id,
        request_id=derived_id("text", provider, text.message_id, patient.key),
        choices=_CHOICES[asked],
        way="sms-keyword",
        given_by=patient.patient_id,
    )
