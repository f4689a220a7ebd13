"""The AsyncAPI document before its official parser, which is made for Node.js (`tests/node_packages.py`)."""

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from shared.events import EVENTS
from shared.settings import ROOT
from tests.node_packages import asked, installed

HERE = Path(__file__).parent / "asyncapi"
CONTRACTS = ROOT / "docs" / "contracts"
WIRE_TYPE = "clinic.plan.ended.v1"
Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def parser() -> Path:
    """The script that asks the official parser."""
    return installed(HERE)


def judge(parser: Path, documents: Iterable[Path]) -> list[dict[str, Any]]:
    """What the official parser says about each document."""
    return asked(parser, documents)


def put(*steps: str, value: Any) -> Change:
    """A change of one place."""

    def change(content: dict[str, Any]) -> None:
        for step in steps[:-1]:
            content = content[step]
        content[steps[-1]] = value

    return change


def broken_copy(folder: Path, file: str, change: Change) -> Path:
    """The document in a folder of its own, with one of its files changed."""
    shutil.copytree(CONTRACTS, folder)
    content = json.loads((folder / file).read_text(encoding="utf-8"))
    change(content)
    (folder / file).write_text(json.dumps(content), encoding="utf-8")
    return folder / "asyncapi.json"


_OPERATION = ("operations", "intake.send.plan.ended")
_SCHEMA = f"schemas/{WIRE_TYPE}/1.json"
_MESSAGE = ("components", "messages", WIRE_TYPE, "payload")
BROKEN: dict[str, tuple[str, Change, str]] = {
    "no-info": ("asyncapi.json", lambda content: content.pop("info"), "asyncapi-document-resolved"),
    "action": ("asyncapi.json", put(*_OPERATION, "action", value="shout"), "asyncapi-document-resolved"),
    "channel": ("asyncapi.json", put(*_OPERATION, "channel", value={"$ref": "#/channels/x"}), "invalid-ref"),
    "no-schema": ("asyncapi.json", put(*_MESSAGE, "schema", value={"$ref": "./schemas/x.json"}), "invalid-ref"),
    "binding": (
        "asyncapi.json",
        put("channels", "plan.ended", "bindings", "kafka", "partitions", value="four"),
        "asyncapi-document-resolved",
    ),
    "payload": (_SCHEMA, put("properties", "plan_id", value={"type": "idea"}), "payload-schema"),
}


def test_the_official_parser_accepts_the_document_and_every_payload(parser: Path) -> None:
    (verdict,) = judge(parser, [CONTRACTS / "asyncapi.json"])
    assert verdict == {"valid": True, "payloads": len(EVENTS), "errors": []}


def test_it_rejects_broken_documents_and_payloads_and_notices_a_format_that_nobody_judged(
    parser: Path, tmp_path: Path
) -> None:
    documents = [broken_copy(tmp_path / name, file, change) for name, (file, change, _) in BROKEN.items()]
    other_format = put(*_MESSAGE, "schemaFormat", value="text/plain")
    documents.append(broken_copy(tmp_path / "format", "asyncapi.json", other_format))
    *verdicts, unjudged = judge(parser, documents)
    found = {
        name: {error["code"] for error in verdict["errors"]} for name, verdict in zip(BROKEN, verdicts, strict=True)
    }
    assert found == {name: {code} for name, (_, _, code) in BROKEN.items()}
    assert not any(verdict["valid"] for verdict in verdicts)
    assert unjudged["payloads"] == len(EVENTS) - 1
