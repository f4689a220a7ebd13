"""`stride protocol`: whether a protocol file is sound, and what its thresholds would do."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from shared.data_files import read_data_file
from shared.measures import load_measures
from shared.protocols import Protocol
from shared.settings import ROOT, ConfigurationInvalid
from stride.cli import exits
from stride.cli.options import JsonOption
from stride.cli.output import Output
from stride.trials.plot import drawn
from stride.trials.protocols import Outcome, trial

protocol = typer.Typer(name="protocol", no_args_is_help=True, add_completion=False, help=__doc__)

_File = Annotated[Path, typer.Argument(help="A protocol, such as protocols/foot-drop-acupuncture.yaml.")]
_Measures = Annotated[Path, typer.Option("--measures", help="Folder of the measures that it names.")]
_Patients = Annotated[int, typer.Option("--patients", min=100, help="Simulated patients of each kind and milestone.")]
_Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same figures.")]
_Plot = Annotated[Path | None, typer.Option("--plot", help="Where to write the plot, as SVG.")]


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
    with output.progress("Simulating") as progress:
        outcomes = trial(found, patients, seed, progress)
    output.human.print(_table(found, outcomes, patients))
    if plot:
        plot.write_text(drawn(found.protocol_id, outcomes), encoding="utf-8")
        output.human.print(f"Plot: {plot}", soft_wrap=True)
    if json:
        told = [outcome.as_json() for outcome in outcomes]
        about = {"protocol_id": found.protocol_id, "version": found.version, "patients": patients, "seed": seed}
        output.result({**about, "milestones": told})
    return exits.OK


def _read(file: Path, measures: Path) -> Protocol:
    return read_data_file(file, Protocol, {"measures": load_measures(measures)})


def _table(found: Protocol, outcomes: list[Outcome], patients: int) -> Table:
    made = Table(title=f"{found.protocol_id}, {patients:,} simulated patients of each kind", title_justify="left")
    made.caption_justify, made.caption = "left", "Percent within the planned course; delays in sessions."
    made.add_column("milestone", no_wrap=True)
    for title in ("readings", "no change", "half", "found", "early", "median", "p90", "noisy"):
        made.add_column(title, justify="right")
    for each in outcomes:
        shares = (each.unchanged, each.half, each.reached, each.early)
        delays = ("never" if delay is None else f"{delay:g}" for delay in (each.median_delay, each.p90_delay))
        percents = (f"{one.percent:g}" for one in shares)
        made.add_row(each.milestone, str(each.readings), *percents, *delays, f"{each.noisy.percent:g}")
    return made
