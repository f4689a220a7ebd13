"""JSON Schemas (2020-12) of the events as they travel: `schemas/<wire type>/<revision>.json`, frozen history.

A model whose meaning changes gets a new revision beside the older ones, which stay as they are.
New wording (titles, descriptions) is no new meaning: it goes into the newest revision.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.events import EVENTS
from shared.events.base import Fact
from stride.contracts.compatibility import broken

FOLDER = Path("docs", "contracts", "schemas")
_WORDING = frozenset({"title", "description", "examples", "$id", "$schema"})
_NAMED = frozenset({"properties", "$defs", "patternProperties"})
_SETS = frozenset({"required", "enum"})

Revisions = Mapping[str, Mapping[int, dict[str, Any]]]


class HistoryDamaged(Exception):
    """What was published is not there as it should be. The message says which file, and what to do."""


def schema(fact: type[Fact]) -> dict[str, Any]:
    """The JSON Schema of `fact`."""
    body = fact.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:stride:schema:{fact.wire_type()}",
        **body,
        "title": fact.wire_type(),
    }


def published(root: Path) -> Revisions:
    """Every revision that was written, by wire type and number.

    Raises:
        HistoryDamaged: a number is missing, or a file is not a JSON object.
    """
    folders = sorted(path for path in (root / FOLDER).glob("*") if path.is_dir())
    return {folder.name: _revisions(folder) for folder in folders}


def _revisions(folder: Path) -> dict[int, dict[str, Any]]:
    names = {path.stem for path in folder.glob("*.json")}
    if names != {str(number) for number in range(1, len(names) + 1)}:
        raise HistoryDamaged(
            f"{folder.name}: its revisions are {sorted(names)}, not 1.json, 2.json, ... without a gap. "
            "Published revisions stay: take them back from version control."
        )
    return {number: _read(folder / f"{number}.json") for number in range(1, len(names) + 1)}


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise HistoryDamaged(f"{path.parent.name}/{path.name} is not a JSON object: take it from version control.")
    return content


def newest(revisions: Revisions) -> dict[str, int]:
    """Which revision each event is written in today: the last published, or the next if the model has changed."""
    return {wire_type: _number(fact, revisions.get(wire_type, {})) for wire_type, fact in sorted(EVENTS.items())}


def _number(fact: type[Fact], revisions: Mapping[int, dict[str, Any]]) -> int:
    last = len(revisions)
    return last if last and meaning(revisions[last]) == meaning(schema(fact)) else last + 1


def documents(numbers: Mapping[str, int]) -> dict[Path, str]:
    """Today's schema of each event under its number."""
    return {
        FOLDER / wire_type / f"{number}.json": json.dumps(schema(EVENTS[wire_type]), indent=2, ensure_ascii=False)
        + "\n"
        for wire_type, number in numbers.items()
    }


def problems(revisions: Revisions) -> list[str]:
    """What today's models break of what was published, each with how to mend it."""
    gone = [
        f"{wire_type}: it was published, and no class declares it any more. Its facts stay in the log: keep the class."
        for wire_type in revisions
        if wire_type not in EVENTS
    ]
    found = [
        str(one)
        for wire_type, fact in sorted(EVENTS.items())
        for one in broken(wire_type, schema(fact), revisions.get(wire_type, {}))
    ]
    return gone + found


def meaning(content: Any) -> Any:
    """A schema without wording, and without the order of what has none."""
    if isinstance(content, list):
        return [meaning(item) for item in content]
    if not isinstance(content, dict):
        return content
    return {key: _meaning_of(key, value) for key, value in content.items() if key not in _WORDING}


def _meaning_of(keyword: str, value: Any) -> Any:
    if keyword in _NAMED:
        return {name: meaning(part) for name, part in value.items()}
    return sorted(value, key=repr) if keyword in _SETS else meaning(value)
