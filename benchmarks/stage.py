"""What services need beside the servers: clinics, tokens and a clock, written for the run."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from shared.clock import FileClock
from shared.settings import ROOT

_MODEL = "riverside"


def stage(home: Path, clinics: Sequence[str], now: datetime) -> dict[str, str]:
    """Write them under `home`; returns the environment that leads services to them."""
    folder = home / "clinics"
    folder.mkdir(exist_ok=True)
    for stale in folder.glob("*.yaml"):
        stale.unlink()
    model = (ROOT / "clinics" / f"{_MODEL}.yaml").read_text(encoding="utf-8")
    for clinic in clinics:
        described = model.replace(f"clinic_id: {_MODEL}", f"clinic_id: {clinic}")
        (folder / f"{clinic}.yaml").write_text(described, encoding="utf-8")
    (home / "tokens.json").write_text(json.dumps({_hash(clinic): _bearer(clinic) for clinic in clinics}))
    FileClock.create(home / "clock", now)
    return {
        "STRIDE_CLINICS": str(folder),
        "STRIDE_TOKENS": str(home / "tokens.json"),
        "STRIDE_CLOCK": str(home / "clock"),
    }


def authorization(clinic: str) -> str:
    """The `Authorization` header of the clinic's system: the stack lives for the length of the bench only."""
    return f"Bearer bench-{clinic}"


def _hash(clinic: str) -> str:
    return hashlib.sha256(authorization(clinic).removeprefix("Bearer ").encode()).hexdigest()


def _bearer(clinic: str) -> dict[str, str]:
    return {"clinic_id": clinic, "system": "bench", "role": "clinic-system"}
