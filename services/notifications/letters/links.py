"""Signed links: who may choose for a patient without a password, until when."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

VALID: Final = timedelta(days=180)


class LinkInvalid(Exception):
    """Nobody signed this link, or its time is over."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with the first key and knows links of all: a key is rotated by putting a new one in front."""

    keys: Sequence[bytes]

    @staticmethod
    def of(given: str, tokens: Path) -> "Signer":
        """The keys of `STRIDE_LINK_KEYS`, separated by commas; without any, one that follows from the token file."""
        keys = [key.strip().encode() for key in given.split(",") if key.strip()]
        return Signer(keys or [sha256(b"links" + tokens.read_bytes()).digest()])

    def token(self, clinic_id: str, patient_id: str, now: datetime) -> str:
        """A link's secret part, good for 180 days."""
        said = f"{clinic_id}/{patient_id}/{int((now + VALID).timestamp())}".encode()
        return f"{_coded(said)}.{_coded(_signature(self.keys[0], said))}"

    def patient(self, token: str, now: datetime) -> tuple[str, str]:
        """Clinic and patient of a link.

        Raises:
            LinkInvalid: none of the keys signed it, or it is too old.
        """
        try:
            said, signature = (urlsafe_b64decode(part + "==") for part in token.split("."))
            clinic_id, patient_id, until = said.decode().split("/")
        except ValueError:
            raise LinkInvalid from None
        known = any(hmac.compare_digest(_signature(key, said), signature) for key in self.keys)
        if not known or now > datetime.fromtimestamp(int(until), UTC):
            raise LinkInvalid
        return clinic_id, patient_id


def _signature(key: bytes, said: bytes) -> bytes:
    return hmac.new(key, said, sha256).digest()


def _coded(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()
