"""The course that somebody thinks of, from a plan file, a protocol, and wishes on the command line."""

import re
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from shared.data_files import read_data_file
from shared.measures import load_measures
from shared.protocols import Protocol
from shared.settings import ROOT
from stride.cli import exits

_TIME = re.compile(r"(MO|TU|WE|TH|FR|SA|SU) (\d\d:\d\d)-(\d\d:\d\d)")
_FIELDS = (
    "patient_id", "starts_on", "phases", "session_minutes", "skill", "room_kind", "practitioner_id", "preferred_times",
    "impossible_times", "booking", "limits",
)  # fmt: skip


class NotAPlan(Exception):
    """What was given says too little, or is no plan."""

    exit_code = exits.USAGE


class Wishes(NamedTuple):
    """What the command line says, over what the file does."""

    starts_on: str
    practitioner_id: str
    patient_id: str
    preferred: tuple[str, ...]
    impossible: tuple[str, ...]


def wished_course(file: Path | None, protocol: Path | None, wishes: Wishes) -> dict[str, Any]:
    """The body of `POST /courses/$preview`.

    Raises:
        NotAPlan: neither a file nor a protocol, no start, or a time that can't be read.
        ConfigurationInvalid: the protocol is not sound.
    """
    if file is None and protocol is None:
        raise NotAPlan("Give a plan file, or --protocol FILE with --starts-on DATE.")
    content = _of_protocol(protocol) if protocol else {}
    content |= _of_file(file) if file else {}
    given = {
        "starts_on": wishes.starts_on,
        "practitioner_id": wishes.practitioner_id,
        "patient_id": wishes.patient_id,
        "preferred_times": [_time(each) for each in wishes.preferred],
        "impossible_times": [_time(each) for each in wishes.impossible],
    }
    content |= {name: value for name, value in given.items() if value}
    if "starts_on" not in content:
        raise NotAPlan("Give the first day that it may begin: --starts-on DATE.")
    return content


def _of_protocol(path: Path) -> dict[str, Any]:
    found = read_data_file(path, Protocol, {"measures": load_measures(ROOT / "measures")})
    return {
        "phases": [phase.model_dump(mode="json") for phase in found.phases],
        "session_minutes": found.session_minutes,
        "skill": found.skill,
        "room_kind": found.room_kind,
        "booking": found.booking,
        "limits": [limit.model_dump(mode="json", include={"sessions", "within_days"}) for limit in found.limits],
    }


def _of_file(path: Path) -> dict[str, Any]:
    """The fields of a plan; what a `plan.created`, also within a CloudEvent, has besides them is left."""
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise NotAPlan(f"{path} can't be read as YAML or JSON ({type(error).__name__}).") from None
    plan = content.get("data", content) if isinstance(content, dict) else None
    if not isinstance(plan, dict):
        raise NotAPlan(f"{path} is no plan: starts_on, phases, skill and room_kind are needed.")
    return {name: _json(value) for name, value in plan.items() if name in _FIELDS}


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _time(text: str) -> dict[str, str]:
    found = _TIME.fullmatch(text.strip().upper())
    if found is None:
        raise NotAPlan(f"{text!r} is no time such as 'TU 16:00-18:00'.")
    return {"weekday": found[1], "start": found[2], "end": found[3]}
