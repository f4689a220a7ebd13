"""Signed links: what somebody may do without a password, until when."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

VALID: Final = timedelta(days=180)
_OFFER: Final = "offer"


class LinkInvalid(Exception):
    """Nobody signed this link, its time is over, or it is for something else."""


class LinkExpired(LinkInvalid):
    """The link was signed, and its time is over. `parts` are what it says."""

    def __init__(self, parts: Sequence[str]) -> None:
        super().__init__("expired")
        self.parts = parts


class PatientLink(NamedTuple):
    """Whose link it is, and the mark of the address that it was sent to ("" where that is not known)."""

    clinic_id: str
    patient_id: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with the first key and knows links of all: a key is rotated by putting a new one in front."""

    keys: Sequence[bytes]

    @staticmethod
    def of(given: str, tokens: Path) -> "Signer":
        """The keys of `STRIDE_LINK_KEYS`, separated by commas; without any, one that follows from the token file."""
        keys = [key.strip().encode() for key in given.split(",") if key.strip()]
        return Signer(keys or [sha256(b"links" + tokens.read_bytes()).digest()])

    def token(self, clinic_id: str, patient_id: str, now: datetime, mark: str = "") -> str:
        """The secret part of a patient's link, good for 180 days; `mark` is of the address that it is sent to."""
        return self._sign(clinic_id, patient_id, mark, until=now + VALID)

    def patient(self, token: str, now: datetime) -> PatientLink:
        """Whose link it is.

        Raises:
            LinkInvalid: none of the keys signed it, or it is for something else.
            LinkExpired: it is too old.
        """
        return PatientLink(*self._read(token, now, 3))

    def code(self, delivery_id: str, address: str) -> str:
        """Six digits in the message `delivery_id`: only who reads what is sent to `address` knows them."""
        digest = _signature(self.keys[0], f"code/{delivery_id}/{address}".encode())
        return f"{int.from_bytes(digest[:8], 'big') % 1_000_000:06}"

    def offer_token(self, clinic_id: str, patient_id: str, offer_id: str, start: datetime) -> str:
        """The secret part of a link to an offer of a time: good for long after it, so that a late click is answered."""
        return self._sign(_OFFER, clinic_id, patient_id, offer_id, until=start + VALID)

    def offer(self, token: str, now: datetime) -> tuple[str, str, str]:
        """Clinic, patient and offer of a link.

        Raises:
            LinkInvalid: as for `patient`.
        """
        kind, clinic_id, patient_id, offer_id = self._read(token, now, 4)
        if kind != _OFFER:
            raise LinkInvalid
        return clinic_id, patient_id, offer_id

    def _sign(self, *parts: str, until: datetime) -> str:
        """`parts`, none with a slash, as the secret part of a link."""
        said = "/".join((*parts, str(int(until.timestamp())))).encode()
        return f"{_coded(said)}.{_coded(_signature(self.keys[0], said))}"

    def _read(self, token: str, now: datetime, parts: int) -> list[str]:
        try:
            said, signature = (urlsafe_b64decode(part + "==") for part in token.split("."))
            *found, until = said.decode().split("/")
        except ValueError:
            raise LinkInvalid from None
        known = any(hmac.compare_digest(_signature(key, said), signature) for key in self.keys)
        if not known or len(found) != parts:
            raise LinkInvalid
        if now > datetime.fromtimestamp(int(until), UTC):
            raise LinkExpired(found)
        return found


def _signature(key: bytes, said: bytes) -> bytes:
    return hmac.new(key, said, sha256).digest()


def _coded(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()
