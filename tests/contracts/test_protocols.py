"""Protocol files: the shipped ones are sound, and a wrong one says where it is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.protocols import Protocol, load_protocols
from shared.settings import ROOT, ConfigurationInvalid

FOLDER = ROOT / "protocols"
FOOT_DROP = FOLDER / "foot-drop-acupuncture.yaml"


def written(folder: Path, content: dict[str, Any], name: str = "one.yaml") -> Path:
    (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return folder


def foot_drop() -> dict[str, Any]:
    # Through JSON, so that YAML's shared parts become parts of their own.
    return json.loads(json.dumps(yaml.safe_load(FOOT_DROP.read_text(encoding="utf-8"))))


def test_two_quite_different_protocols_are_shipped() -> None:
    protocols = load_protocols(FOLDER).by_id
    assert {"foot-drop-acupuncture", "low-back-pain-acupuncture"} <= set(protocols)
    back = protocols["low-back-pain-acupuncture"]
    assert sum(phase.sessions for phase in back.phases) == 12
    assert back.limits[0].within_days == 90


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_code_and_clinical_statement_has_a_source(path: Path) -> None:
    protocol = Protocol.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    statements = [*protocol.conditions, *protocol.measures, *protocol.contraindications, *protocol.customisation]
    codes = [code for entry in protocol.measures for code in entry.codes] + list(protocol.session_codes)
    assert all(entry.source.strip() for entry in [*statements, *codes])
    assert protocol.sources


def test_codes_lead_to_conditions_measures_and_sessions() -> None:
    protocols = load_protocols(FOLDER)
    condition = protocols.condition_coded("http://hl7.org/fhir/sid/icd-10-cm", "M21.372")
    measure = protocols.measure_coded("http://loinc.org", "72514-3")
    assert (condition and condition.side, measure and measure.spec.measure) == ("left", "pain-nrs")
    assert protocols.measure_coded("urn:stride:measure", "dorsiflexor-strength") is not None
    assert protocols.is_session("urn:stride:session", "acupuncture")
    assert protocols.condition_coded("http://snomed.info/sct", "M21.372") is None


def _set(content: dict[str, Any], path: str, value: Any) -> None:
    *steps, last = (int(step) if step.isdecimal() else step for step in path.split("."))
    target: Any = content
    for step in steps:
        target = target[step]
    target[last] = value


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("milestones.0.measure", "joy", "milestone pain-40: needs change"),
        ("milestones.0.primary", False, "exactly one milestone must be primary"),
        ("milestones.0.chnage", 0.4, "unknown field chnage"),
        ("milestones.2.sessions", None, "sessions is missing"),
        ("ladder.3.phases", [], "discharge"),
        ("ladder.1.phases.0.sessions_per_week", 3, "lower rate"),
        ("phases.1.weeks", 5, "own phases"),
        ("phases.0.min_gap_days", 5, "does not fit"),
        ("session_minutes", 20, "session_minutes"),
        ("customisation.0.phase.name", "nothing", "has no phase nothing"),
        ("customisation.0.phase.min_gap_days", 3, "customisation 1"),
        ("measures.1.spec.low", 0, "above 0"),
        ("measures.0.spec.high", -1, "low must be below high"),
        ("limits", [{"sessions": 12, "within_days": 90, "source": "somebody"}], "more than 12 sessions"),
        ("conditions.0.source", "", "source"),
        ("extra", 1, "extra"),
    ],
)  # fmt: skip
def test_a_wrong_protocol_is_refused_with_file_and_place(tmp_path: Path, path: str, value: Any, complaint: str) -> None:
    content = foot_drop()
    _set(content, path, value)
    with pytest.raises(ConfigurationInvalid, match=complaint) as refusal:
        load_protocols(written(tmp_path, content))
    assert "one.yaml, line" in str(refusal.value)


def test_two_protocols_may_not_treat_the_same_condition_or_read_a_measure_differently(tmp_path: Path) -> None:
    first, second = foot_drop(), foot_drop()
    second["protocol_id"] = "other"
    written(tmp_path, first)
    with pytest.raises(ConfigurationInvalid, match="already treats M21.371"):
        load_protocols(written(tmp_path, second, "two.yaml"))
    second["conditions"] = [{"code": "I69.398", "title": "x", "source": "ICD-10-CM"}]
    second["measures"][0]["spec"]["sigma"] = 2.0
    with pytest.raises(ConfigurationInvalid, match="reads pain-nrs in another"):
        load_protocols(written(tmp_path, second, "two.yaml"))


def test_a_folder_without_protocols_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="No protocol in"):
        load_protocols(tmp_path)
