"""`stride demo`: a simulated clinic lives through some weeks on the real stack, and is checked."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from stride.cli import exits
from stride.cli.entrances import links_by_role
from stride.cli.options import JsonOption
from stride.cli.output import Output
from stride.cli.stack import run_stack, stack_settings
from stride.demo.doors import NoAnswer
from stride.demo.drain import NotDrained
from stride.demo.patients import TREATED
from stride.demo.report.summary import Report, show
from stride.demo.run import Scenario, prepare_clock, run_scenario
from stride.demo.view import audience
from stride.embedded import External, Stack
from stride.embedded.home import Home


def _known(protocol: str) -> str:
    if protocol and protocol not in TREATED:
        raise typer.BadParameter(f"the demo has patients for {', '.join(TREATED)}")
    return protocol


_Patients = Annotated[int, typer.Option("--patients", min=1, max=500, help="How many patients come.")]
_Days = Annotated[int, typer.Option("--days", min=1, max=366, help="How many days are simulated.")]
_Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same run.")]
_Speed = Annotated[
    float, typer.Option("--speed", min=0, help="Simulated days a second at most; 0 for as fast as it goes.")
]
_Protocol = Annotated[
    str,
    typer.Option(
        "--protocol",
        help=f"Only patients of this protocol: {', '.join(TREATED)}. Default: every kind.",
        callback=_known,
    ),
]
_DemoHome = Annotated[
    Path, typer.Option("--home", help="Folder for the demo's data and logs. Its data is wiped at every start.")
]


def demo(
    *,
    patients: _Patients = 12,
    days: _Days = 84,
    seed: _Seed = 1,
    speed: _Speed = 0.0,
    protocol: _Protocol = "",
    json: JsonOption = False,
    home: _DemoHome = Path(".stride/demo"),
) -> int:
    """Runs a simulated clinic against the real stack in fast time, then checks what came of it."""
    output, reports = Output(as_json=json), list[Report]()
    scenario = Scenario(patients, days, seed, speed, protocol)
    _wipe(Home(home))
    # Always servers of its own: a demo wipes its data, and nobody else's.
    settings = replace(stack_settings(external=External()), durable=False, environment=prepare_clock(home))

    async def live(stack: Stack) -> None:
        progress(f"The clinic is open; its mail is at {stack.addresses.mailbox}")
        progress(f"The console: {stack.addresses.services['console']}")
        for role, link in (await links_by_role(stack.addresses, home / "secrets")).items():
            progress(f"  signed in as {role}, once: {link}")
        with audience(output.human, days) as watching:
            reports.append(await run_scenario(scenario, home, stack.addresses, watching))

    with output.progress("Starting") as progress:
        try:
            run_stack(home, settings, live, progress)
        except (NotDrained, NoAnswer) as stuck:
            output.error(f"{stuck} The services' logs are in {home / 'logs'}.", exits.FAILED)
            return exits.FAILED
    if not reports:
        raise KeyboardInterrupt
    return tell(output, reports[0])


def _wipe(home: Home) -> None:
    with home.locked():
        home.wipe()


def tell(output: Output, report: Report) -> int:
    """Show the report; returns the exit code, 1 where an invariant was broken."""
    show(output.human, report)
    if output.as_json:
        output.result(asdict(report.figures))
    return exits.FAILED if report.broken else exits.OK
