"""Identifiers. Most are derived from what they name, so that deciding again gives the same id."""

import uuid

_STRIDE = uuid.UUID("5b1d6e5c-3d0e-5f0b-9c37-3f6f5b6d9f10")


def derived_id(*parts: str | int) -> str:
    """The id of what `parts` name together: the same parts always give the same UUID (version 5)."""
    return str(uuid.uuid5(_STRIDE, "\x1f".join(map(str, parts))))


def random_id() -> str:
    """A fresh UUID (version 4), for what has no natural name."""
    return str(uuid.uuid4())


def patient_key(clinic_id: str, patient_id: str) -> str:
    """The record key of everything about one patient: `<clinic_id>/<patient_id>`."""
    return f"{clinic_id}/{patient_id}"
