"""`stride protocol`: a sound file, a wrong one, and what thresholds would do."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from shared.settings import ROOT
from stride.cli.protocol import protocol

FOOT_DROP = ROOT / "protocols" / "foot-drop-acupuncture.yaml"


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(protocol, [str(each) for each in arguments], standalone_mode=False)
    return (result.exit_code or result.return_value or 0), result.stdout


@pytest.mark.parametrize("path", sorted((ROOT / "protocols").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_protocols_are_sound(path: Path) -> None:
    code, told = run("check", path, "--json")
    assert code == 0
    assert json.loads(told.splitlines()[-1])["ok"] is True


def test_a_wrong_file_is_told_by_line_and_column_with_the_remedy(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    text = FOOT_DROP.read_text(encoding="utf-8").replace(
        "measure: pain-nrs, change: 0.40", "measure: joy, change: 0.40"
    )
    wrong.write_text(text, encoding="utf-8")
    code, told = run("check", wrong, "--json")
    assert code == 1
    (mistake,) = json.loads(told.splitlines()[-1])["mistakes"]
    line = next(n for n, line in enumerate(text.splitlines(), start=1) if "measure: joy" in line)
    column = text.splitlines()[line - 1].index("joy") + 1
    assert f"line {line}, column {column}: milestones.0.measure" in mistake


def test_simulating_gives_the_same_figures_for_the_same_seed_and_a_plot(tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"
    first, again = (
        run("simulate", FOOT_DROP, "--patients", "150", "--seed", "7", "--plot", plot, "--json") for _ in range(2)
    )
    assert first == again
    found = json.loads(first[1].splitlines()[-1])
    pain = next(each for each in found["milestones"] if each["milestone"] == "pain-40")
    assert pain["false_no_change"]["percent"] <= 2
    assert pain["sensitivity"]["percent"] >= 80
    assert pain["sensitivity"]["percent"] > pain["false_half"]["percent"] + 60
    drawing = ElementTree.fromstring(plot.read_text(encoding="utf-8"))
    lines = [each for each in drawing.iter() if each.tag.endswith("polyline")]
    assert len(lines) == 3 * len(found["milestones"])
