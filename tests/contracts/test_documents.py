"""The generated documents say what the code says."""

import json
from pathlib import Path

import pytest

from shared.flow import FLOW
from shared.settings import ROOT
from stride import contracts
from stride.contracts import diagram


def test_no_generated_document_is_stale() -> None:
    assert [str(path.relative_to(ROOT)) for path in contracts.stale()] == []


def test_a_changed_and_a_left_over_document_are_found_and_mended(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(f"# x\n{diagram.BEGIN}\nold\n{diagram.END}\n", encoding="utf-8")
    contracts.write(tmp_path)
    assert contracts.stale(tmp_path) == []
    schemas = tmp_path / "docs" / "contracts" / "schemas"
    (schemas / "clinic.plan.created.v1.json").write_text("{}", encoding="utf-8")
    (schemas / "clinic.gone.v1.json").write_text("{}", encoding="utf-8")
    assert [path.name for path in contracts.stale(tmp_path)] == ["clinic.gone.v1.json", "clinic.plan.created.v1.json"]
    contracts.write(tmp_path)
    assert contracts.stale(tmp_path) == []


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
