"""`stride course`: how a course of care stands, and why; `preview` and `export` are files of their own."""

from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from shared.explaining import measure_name, unit_name
from stride.cli import exits
from stride.cli.asking import ask, opened, send
from stride.cli.course_export import export
from stride.cli.course_options import ClinicOption, NoSuchCourse, PlanArgument, TokenOption, UrlOption
from stride.cli.course_preview import preview
from stride.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from stride.cli.output import Output
from stride.cli.reach import tokens_of, url_of

_READER = "clinician"
_COLOURS = {"reached": "green", "not-evaluable": "yellow"}

_Svg = Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="Write the course's charts into this file.")]

course = typer.Typer(
    name="course",
    help="Courses of care: how one stands and why, what one would be, and its dates for other programs.",
    no_args_is_help=True,
    add_completion=False,
)


course.command()(preview)
course.command()(export)


@course.command()
def show(
    plan_id: PlanArgument,
    *,
    svg: _Svg = None,
    url: UrlOption = "",
    token: TokenOption = "",
    clinic: ClinicOption = "",
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> int:
    """Shows a course: readings, milestones, signals and proposals, each explained in plain words.

    Exit code 0: shown; 1: there is no such course; 69: progress does not answer.
    """
    output = Output(as_json=json)
    tokens = [token] if token else tokens_of(home, _READER, clinic)
    with opened(url or url_of(home, "progress")) as http:
        answer, headers = ask(http, f"/courses/{plan_id}", tokens)
        if answer is None:
            raise NoSuchCourse("No clinic whose token was tried has a course of that plan id.")
        found = answer.json()
        if svg:
            _write_chart(http, f"/courses/{plan_id}/chart.svg", headers, svg)
    _show(output, found)
    if svg:
        output.human.print(f"Charts: {svg}", soft_wrap=True, markup=False)
    if json:
        output.result(found)
    return exits.OK


def _write_chart(http: httpx.Client, path: str, headers: dict[str, str], file: Path) -> None:
    answer = send(http, path, headers)
    if not answer.is_success:
        raise NoSuchCourse("The course has no reading to draw yet.")
    file.write_bytes(answer.content)


def _show(output: Output, course: dict[str, Any]) -> None:
    state = "ended" if course["ended"] else f"at step {course['step']} ({course.get('step_name', '')})"
    told = f"{course['protocol_id']} v{course['protocol_version']}, {state}, {course['sessions']} sessions held"
    output.human.print(Panel(Text(told), title=Text(f"Course {course['plan_id']}"), title_align="left"))
    output.human.print(_readings(course["series"]))
    for milestone in course["milestones"]:
        title = milestone["title"] or milestone["milestone"]
        _say(output, f"{title}: {milestone['state']}", milestone, _COLOURS.get(milestone["state"], ""))
    for regression in course["regressions"]:
        _say(output, f"{measure_name(regression['measure'])} got worse", regression, "red")
    for plateau in course["plateaus"]:
        _say(output, f"{measure_name(plateau['measure'])} stands still", plateau, "yellow")
    for proposal in course["proposals"]:
        steps = f"step {proposal['from_step']} to {proposal['to_step']}"
        _say(output, f"Proposal, {steps}: {proposal['state']}", proposal, "cyan")


def _readings(series: list[dict[str, Any]]) -> Table:
    table = Table("measure", "unit", "before", "readings, oldest first")
    for one in series:
        name = ", ".join(filter(None, (measure_name(one["measure"]), one.get("side"), one.get("device"))))
        before = f"{one['baseline']['value']:.3g}" if one.get("baseline") else "none"
        values = " ".join(f"{reading['value']:g}" for reading in one["readings"])
        table.add_row(Text(name), Text(unit_name(one["unit"])), before, values)
    return table


def _say(output: Output, title: str, verdict: dict[str, Any], colour: str) -> None:
    output.human.print(Text(f"\n{title}", style=f"bold {colour}".strip()))
    output.human.print(Text(verdict["explanation"]))
