"""`stride protocol`: whether a protocol file is sound, and what its thresholds would do."""

from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from shared.data_files import read_data_file
from shared.measures import load_measures
from shared.protocols import Protocol
from shared.settings import ROOT, ConfigurationInvalid
from stride.cli import exits
from stride.cli.options import JsonOption
from stride.cli.output import Output
from stride.trials.drawing import draw
from stride.trials.protocols import KINDS, Outcome, trial, tried, untried

_LEGEND = (
    "Percent for whom the milestone is confirmed within the planned course: patients who do not change, who go half "
    "the way to its target, who get beyond it (found; early: before they truly had), who do not change but have 1.5 "
    "times the noise (noisy). Readings: after the baseline. Median, p90: sessions from when it was truly so."
)

protocol = typer.Typer(name="protocol", no_args_is_help=True, add_completion=False, help=__doc__)

_File = Annotated[Path, typer.Argument(help="A protocol, such as protocols/foot-drop-acupuncture.yaml.")]
_Measures = Annotated[Path, typer.Option("--measures", help="Folder of the measures that it names.")]
_Patients = Annotated[int, typer.Option("--patients", min=100, help="Simulated patients of each kind and milestone.")]
_Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same figures.")]
_Plot = Annotated[
    Path | None, typer.Option("--plot", help="Where to write the plot: PNG where the name ends in .png, else SVG.")
]


@protocol.command()
def check(file: _File, *, measures: _Measures = ROOT / "measures", json: JsonOption = False) -> int:
    """Reads the file as the services would; each mistake is told with line, column and remedy."""
    output = Output(as_json=json)
    try:
        found = _read(file, measures)
    except ConfigurationInvalid as wrong:
        if json:
            output.result({"ok": False, "mistakes": str(wrong).splitlines()})
        output.human.print(str(wrong), soft_wrap=True, markup=False)
        return exits.FAILED
    if json:
        output.result({"ok": True, "protocol_id": found.protocol_id, "version": found.version, "mistakes": []})
    sessions = sum(phase.sessions for phase in found.phases)
    output.human.print(f"{found.protocol_id}, version {found.version}, is sound: {sessions} sessions.", soft_wrap=True)
    return exits.OK


@protocol.command()
def simulate(
    file: _File,
    *,
    patients: _Patients = 2000,
    seed: _Seed = 1,
    plot: _Plot = None,
    measures: _Measures = ROOT / "measures",
    json: JsonOption = False,
) -> int:
    """Tries each milestone on simulated patients at the protocol's own cadence, judged by progress' own code."""
    output = Output(as_json=json)
    try:
        found = _read(file, measures)
    except ConfigurationInvalid as wrong:
        output.error(str(wrong), exits.CONFIGURATION)
        return exits.CONFIGURATION
    rules = tried(found)
    with output.bar("Simulating", total=KINDS * patients * len(rules)) as advance:
        outcomes = trial(found, patients, seed, advance)
    output.human.print(_table(found, outcomes, patients))
    output.human.print(_LEGEND, highlight=False)
    for rule in untried(found):
        why = "it is judged along a curve that a clinician expects of a patient"
        output.human.print(f"{rule.milestone}: not simulated, since {why}.", soft_wrap=True)
    if plot:
        draw(plot, found.protocol_id, outcomes)
        output.human.print(f"Plot: {plot}", soft_wrap=True)
    if json:
        told = [outcome.as_json() for outcome in outcomes]
        about = {"protocol_id": found.protocol_id, "version": found.version, "patients": patients, "seed": seed}
        output.result({**about, "milestones": told, "not_simulated": [rule.milestone for rule in untried(found)]})
    return exits.OK


def _read(file: Path, measures: Path) -> Protocol:
    return read_data_file(file, Protocol, {"measures": load_measures(measures)})


def _table(found: Protocol, outcomes: list[Outcome], patients: int) -> Table:
    title = f"{found.protocol_id}, {patients:,} simulated patients of each kind"
    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    made.add_column("milestone", no_wrap=True)
    for name in ("readings", "no change", "half", "found", "early", "noisy", "median", "p90"):
        made.add_column(name, justify="right", no_wrap=True)
    for each in outcomes:
        shares = (each.unchanged, each.half, each.reached, each.early, each.noisy)
        delays = ("never" if delay is None else f"{delay:g}" for delay in (each.median_delay, each.p90_delay))
        percents = (f"{one.percent:g}" for one in shares)
        made.add_row(each.milestone, str(each.readings), *percents, *delays)
    return made
