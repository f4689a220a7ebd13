"""The generated documents say what the code says, and published schemas are history."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.flow import FLOW
from shared.settings import ROOT
from stride import contracts
from stride.cli import contracts as command
from stride.cli import exits
from stride.contracts import diagram
from stride.contracts.schemas import FOLDER

WIRE_TYPE = "clinic.session.logged.v1"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree whose documents were just written."""
    (tmp_path / "README.md").write_text(f"# x\n{diagram.BEGIN}\nold\n{diagram.END}\n", encoding="utf-8")
    contracts.write(tmp_path)
    return tmp_path


def revision(root: Path, number: int) -> Path:
    return root / FOLDER / WIRE_TYPE / f"{number}.json"


def published_as(root: Path, change: Callable[[dict[str, Any]], object]) -> str:
    """Revision 1 as if it had been published otherwise; returns its text."""
    schema = json.loads(revision(root, 1).read_text(encoding="utf-8"))
    change(schema)
    revision(root, 1).write_text(json.dumps(schema), encoding="utf-8")
    return revision(root, 1).read_text(encoding="utf-8")


def test_no_generated_document_is_stale_and_no_model_breaks_what_was_published() -> None:
    assert contracts.problems() == []
    assert [str(path.relative_to(ROOT)) for path in contracts.stale()] == []


def test_a_changed_document_is_found_and_mended(root: Path) -> None:
    assert contracts.stale(root) == []
    (root / "docs" / "contracts" / "asyncapi.json").write_text("{}", encoding="utf-8")
    assert [path.name for path in contracts.stale(root)] == ["asyncapi.json"]
    contracts.write(root)
    assert contracts.stale(root) == []


def test_a_changed_model_gets_the_next_revision_and_the_older_ones_stay_as_they_are(root: Path) -> None:
    def without_an_optional_field(schema: dict[str, Any]) -> None:
        optional = sorted(schema["properties"].keys() - set(schema["required"]))
        del schema["properties"][optional[0]]

    old = published_as(root, without_an_optional_field)
    asyncapi = root / "docs" / "contracts" / "asyncapi.json"
    assert contracts.problems(root) == []
    assert contracts.stale(root) == [asyncapi, revision(root, 2)]
    contracts.write(root)
    assert contracts.stale(root) == []
    assert revision(root, 1).read_text(encoding="utf-8") == old
    assert f"./schemas/{WIRE_TYPE}/2.json" in asyncapi.read_text(encoding="utf-8")


def test_new_wording_and_another_order_are_no_new_revision(root: Path) -> None:
    def otherwise_said(schema: dict[str, Any]) -> None:
        schema["description"] = "Said otherwise."
        schema["properties"]["session_id"]["title"] = "Said otherwise"
        schema["required"].reverse()

    published_as(root, otherwise_said)
    assert contracts.write(root) == [revision(root, 1)]
    assert "Said otherwise" not in revision(root, 1).read_text(encoding="utf-8")


def test_a_model_that_breaks_what_was_published_is_told(root: Path) -> None:
    published_as(root, lambda schema: schema["required"].remove("session_id"))
    (problem,) = contracts.problems(root)
    assert problem.startswith(f"{WIRE_TYPE} /session_id: today's reader can't read what revision 1 wrote")
    assert "version 2" in problem


def test_the_history_may_lose_nothing(root: Path) -> None:
    revision(root, 1).rename(revision(root, 2))
    assert "without a gap" in contracts.problems(root)[0]
    revision(root, 2).rename(revision(root, 1)).write_text("{", encoding="utf-8")
    assert "not a JSON object" in contracts.problems(root)[0]


def test_an_event_that_was_published_keeps_its_class(root: Path) -> None:
    gone = root / FOLDER / "clinic.moon.landed.v1"
    gone.mkdir()
    (gone / "1.json").write_text("{}", encoding="utf-8")
    (problem,) = contracts.problems(root)
    assert problem.startswith("clinic.moon.landed.v1: it was published, and no class declares it any more.")


def test_the_command_writes_nothing_while_a_promise_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(contracts, "problems", lambda: ["clinic.x.v1 /y: broken [so]."])
    monkeypatch.setattr(contracts, "write", lambda: pytest.fail("it wrote"))
    assert command.contracts(command.Action.WRITE) == exits.FAILED
    assert command.contracts(command.Action.CHECK) == exits.FAILED
    assert "clinic.x.v1 /y: broken [so]." in capsys.readouterr().out
    assert command.contracts(command.Action.CHECK, json=True) == exits.FAILED
    assert json.loads(capsys.readouterr().out)["problems"] == ["clinic.x.v1 /y: broken [so]."]


def test_a_readme_without_markers_is_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match="flow:begin"):
        diagram.embedded_in("# Stride")


def test_asyncapi_has_an_operation_for_each_line_of_the_map_and_resolves_its_references() -> None:
    document = json.loads((ROOT / "docs" / "contracts" / "asyncapi.json").read_text(encoding="utf-8"))
    expected = {f"{name}.send.{fact.NAME}" for name, service in FLOW.items() for fact in service.publishes}
    assert expected <= set(document["operations"])
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in document["channels"]
    for message in document["components"]["messages"].values():
        assert (ROOT / "docs" / "contracts" / message["payload"]["schema"]["$ref"]).exists()
