"""`stride protocol`: a sound file, a wrong one, and what thresholds would do."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image
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


def test_a_plot_named_png_is_a_picture_of_the_same_curves(tmp_path: Path) -> None:
    plot = tmp_path / "plot.png"
    code, told = run("simulate", FOOT_DROP, "--patients", "100", "--plot", plot, "--json")
    assert code == 0
    milestones = json.loads(told.splitlines()[-1])["milestones"]
    with Image.open(plot) as image:
        assert image.format == "PNG"
        assert image.size == (1280, 480 * len(milestones))
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24) or ()}
    assert {(0x1B, 0x7F, 0x4B), (0xA3, 0x5F, 0x00), (0xB3, 0x26, 0x1E)} <= colours, "each curve is drawn"


def test_a_milestone_along_an_expected_curve_is_said_not_to_be_simulated() -> None:
    _, told = run("simulate", FOOT_DROP, "--patients", "100", "--json")
    assert json.loads(told.splitlines()[-1])["not_simulated"] == ["nerve-recovery-25"]


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
    curves = [each for each in lines if each.attrib["stroke-width"] == "2" and each.attrib["points"].count(" ") > 1]
    assert len(curves) == 3 * len(found["milestones"])
