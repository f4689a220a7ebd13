"""Identifiers. Most are derived from what they name, so that deciding again gives the same id."""

import uuid
from hashlib import sha1

_STRIDE = sha1(uuid.UUID("5b1d6e5c-3d0e-5f0b-9c37-3f6f5b6d9f10").bytes, usedforsecurity=False)
_VARIANTS = "89ab"


def derived_id(*parts: str | int) -> str:
    """The id of what `parts` name together: the same parts always give the same UUID (version 5).

    Made by hand from the hash (RFC 9562, section 5.5): several ids are derived for each event, and `uuid5` takes
    five times as long.
    """
    name = _STRIDE.copy()
    name.update("\x1f".join(map(str, parts)).encode())
    digits = name.hexdigest()
    variant = _VARIANTS[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


def random_id() -> str:
    """A fresh UUID (version 4), for what has no natural name."""
    return str(uuid.uuid4())


def patient_key(clinic_id: str, patient_id: str) -> str:
    """The record key of everything about one patient: `<clinic_id>/<patient_id>`."""
    return f"{clinic_id}/{patient_id}"
