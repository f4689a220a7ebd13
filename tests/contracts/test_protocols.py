"""Protocol files: the shipped ones are sound, and a wrong one says where it is wrong."""

import json
import re
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


def test_three_quite_different_protocols_are_shipped() -> None:
    protocols = load_protocols(FOLDER).by_id
    assert set(protocols) == {"foot-drop-acupuncture", "low-back-pain-acupuncture", "stroke-gait-physical-therapy"}
    back = protocols["low-back-pain-acupuncture"]
    assert sum(phase.sessions for phase in back.phases) == 12
    assert back.limits[0].within_days == 90


@pytest.mark.parametrize("protocol", load_protocols(FOLDER).by_id.values(), ids=lambda protocol: protocol.protocol_id)
def test_every_code_and_clinical_statement_has_a_source(protocol: Protocol) -> None:
    statements = [*protocol.conditions, *protocol.contraindications, *protocol.customisation, *protocol.limits]
    measures = [entry.about for entry in protocol.measures]
    codes = [code for measure in measures for code in measure.codes] + list(protocol.session_codes)
    assert all(entry.source.strip() for entry in [*statements, *measures, *codes])
    assert all(measure.sigma_source.strip() for measure in measures)
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
        ("milestones.4.sessions", None, "sessions is missing"),
        ("ladder.3.phases", [], "discharge"),
        ("ladder.1.phases.0.sessions_per_week", 3, "lower rate"),
        ("phases.1.weeks", 5, "own phases"),
        ("phases.0.min_gap_days", 5, "does not fit"),
        ("session_minutes", 20, "session_minutes"),
        ("customisation.0.phase.name", "nothing", "has no phase nothing"),
        ("customisation.0.phase.min_gap_days", 3, "customisation 1"),
        ("measures.0.measure", "joy", "no file under measures/ describes joy; there are"),
        ("measures.0.sigma", 0.5, "need a source"),
        ("milestones.2.relative", True, "grades have no percentages"),
        ("milestones.0.change", 1.5, "nothing falls by 100%"),
        ("milestones.3.change", None, "milestone nerve-recovery-25: needs change"),
        ("milestones.3.relative", False, "faster than a curve is a fraction"),
        ("milestones.3.measure", "mrc-dorsiflexion", "between grades there is no curve"),
        ("milestones.3.expected", [{"week": 6, "change": 0.3}, {"week": 9, "change": 0.3}], "must rise"),
        ("milestones.0.expected", [{"week": 6, "change": 0.3}], "is never looked at"),
        ("milestones.0.expected_curve", True, "make another milestone primary"),
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


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("milestones.1.measure", "joy", "milestones.1.measure"),
        ("ladder.1.phases.0.sessions_per_week", 3, "ladder.1"),
        ("phases.0.max_gap_days", 3, "phases.0.max_gap_days"),
        ("measures.2.every_sessions", 0, "measures.2.every_sessions"),
    ],
)
def test_a_mistake_is_told_with_line_and_column_of_what_is_wrong(
    tmp_path: Path, path: str, value: Any, place: str
) -> None:
    content = foot_drop()
    _set(content, path, value)
    with pytest.raises(ConfigurationInvalid) as refusal:
        load_protocols(written(tmp_path, content))
    (told,) = [line for line in str(refusal.value).splitlines() if f": {place}: " in line][:1]
    found = re.search(r"line (\d+), column (\d+)", told)
    assert found
    line = (tmp_path / "one.yaml").read_text(encoding="utf-8").splitlines()[int(found[1]) - 1]
    assert line[int(found[2]) - 1 :].startswith((str(value), "name:", "3"))


def test_a_protocol_may_have_figures_of_its_own_for_a_measure_with_their_source(tmp_path: Path) -> None:
    content = foot_drop()
    content["measures"][0] |= {"sigma": 1.4, "source": "A study"}
    entry = load_protocols(written(tmp_path, content)).measure("pain-nrs")
    assert entry
    assert (entry.spec.sigma, entry.spec.mcid, entry.about.sigma) == (1.4, 2, 1.0)


def test_two_protocols_may_not_treat_the_same_condition(tmp_path: Path) -> None:
    first, second = foot_drop(), foot_drop()
    second["protocol_id"] = "other"
    written(tmp_path, first)
    with pytest.raises(ConfigurationInvalid, match="already treats M21.371"):
        load_protocols(written(tmp_path, second, "two.yaml"))


def test_a_folder_without_protocols_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="No protocol in"):
        load_protocols(tmp_path)
