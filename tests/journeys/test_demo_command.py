"""What `stride demo` says at its end: one JSON object, and an exit code that tells of broken invariants."""

import json
from dataclasses import replace

import pytest

from stride.cli.demo import tell
from stride.cli.output import Output
from stride.demo.report.look import facts_of
from stride.demo.report.summary import Figures, Report
from stride.demo.report.tables import Tables
from stride.demo.report.verdicts import Verdicts

FIGURES = Figures(
    sent=3, accepted=1, refused=1, repeats=1, facts={"session.logged": 1}, courses=1, appointments=18, overlaps=0,
    sessions=1, milestones={"true": 0, "false": 0, "missed": 0}, retracted=0, messages={"booked": {"accepted": 1}},
    duplicate_messages=0, stale_messages=0, lost=0, dead_letters=0, parked=0,
    latency_ms={"p50": 90.0, "p95": 200.0, "p99": 250.0}, seconds=69.2,
)  # fmt: skip
FINE = Report(FIGURES, {}, Verdicts(0, 0, 0, 0), facts_of([]), Tables([], [], [], [], [], []))


def test_the_last_line_of_standard_output_is_the_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(Output(as_json=True), FINE) == 0
    printed = capsys.readouterr()
    (line,) = printed.out.splitlines()
    wanted = (
        "sent accepted refused repeats facts courses appointments overlaps sessions milestones retracted messages "
        "duplicate_messages stale_messages lost dead_letters latency_ms seconds"
    )
    assert set(wanted.split()) <= set(json.loads(line))
    assert "All invariants hold." in printed.err


def test_a_broken_invariant_is_named_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    broken = replace(FINE, broken={"lost": ["session.logged se-1: not in the tables of progress"]})
    assert tell(Output(as_json=True), broken) == 1
    assert "lost: 1" in (told := capsys.readouterr().err)
    assert "session.logged se-1: not in the tables of progress" in told
