"""`stride course preview`: what booking a course would give, without booking it."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from rich.text import Text

from stride.cli import exits
from stride.cli.asking import ask, opened
from stride.cli.course_options import ClinicOption, NoSuchCourse, TokenOption, UrlOption
from stride.cli.course_wishes import Wishes, wished_course
from stride.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from stride.cli.output import Output
from stride.cli.reach import tokens_of, url_of

_File = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="A plan as YAML or JSON: starts_on, phases, skill, room_kind ..."),
]
_Protocol = Annotated[Path | None, typer.Option("--protocol", help="Phases, skill and room from this protocol file.")]
_Starts = Annotated[str, typer.Option("--starts-on", metavar="DATE", help="The first day it may begin, as 2026-03-02.")]
_Practitioner = Annotated[str, typer.Option("--practitioner", help="Who should treat, by id.")]
_Prefer = Annotated[list[str], typer.Option("--prefer", help="A time that suits, as 'TU 16:00-18:00'; repeatable.")]
_Impossible = Annotated[list[str], typer.Option("--impossible", help="A time that does not; repeatable.")]
_Patient = Annotated[str, typer.Option("--patient", help="Whose other appointments count, by id.")]


def preview(
    file: _File = None,
    *,
    protocol: _Protocol = None,
    starts_on: _Starts = "",
    practitioner: _Practitioner = "",
    prefer: _Prefer = [],  # noqa: B006  # typer's way
    impossible: _Impossible = [],  # noqa: B006
    patient: _Patient = "",
    url: UrlOption = "",
    token: TokenOption = "",
    clinic: ClinicOption = "",
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> int:
    """Plans a course on the clinic's real calendar without booking it: dates, conflicts by name, quality figures.

    Exit code 0: every session has a time; 1: some have none, or the clinic is unknown; 69: no answer.
    """
    output = Output(as_json=json)
    wishes = Wishes(starts_on, practitioner, patient, tuple(prefer), tuple(impossible))
    body = wished_course(file, protocol, wishes)
    tokens = [token] if token else tokens_of(home, "front-desk", clinic)[:1]
    with opened(url or url_of(home, "scheduling")) as http:
        answer, _ = ask(http, "/courses/$preview", tokens, body)
    if answer is None:
        raise NoSuchCourse("Scheduling knows nothing of this token's clinic yet.")
    found = answer.json()
    _show(output, found)
    if json:
        output.result(found)
    return exits.FAILED if found["quality"]["left_out"] else exits.OK


def _show(output: Output, found: dict[str, Any]) -> None:
    zone = ZoneInfo(found["zone"])
    conflicts = found["conflicts"]
    broken = {number: [each for each in conflicts if each["sequence"] == number] for number in _sequences(found)}
    table = Table("session", f"when ({found['zone']})", "with", "room", "breaks", title="Nothing is booked.")
    at = {each["sequence"]: each for each in found["appointments"]}
    for number, rules in broken.items():
        booked = at.get(number)
        when = _when(booked, zone) if booked else Text("no time", style="red")
        who, room = (booked["practitioner_id"], booked["room_id"]) if booked else ("", "")
        table.add_row(str(number), when, Text(who), Text(room), Text("\n".join(map(_said, rules)), style="yellow"))
    output.human.print(table)
    output.human.print(_figures(found["quality"]))


def _sequences(found: dict[str, Any]) -> list[int]:
    return sorted({each["sequence"] for each in (*found["appointments"], *found["conflicts"])})


def _when(booked: dict[str, Any], zone: ZoneInfo) -> Text:
    start = datetime.fromisoformat(booked["start"]).astimezone(zone)
    end = datetime.fromisoformat(booked["end"]).astimezone(zone)
    return Text(f"{start:%a %d %b %Y, %H:%M} to {end:%H:%M}")


def _said(conflict: dict[str, Any]) -> str:
    return f"{conflict['kind']}: {conflict['detail']}"


def _figures(quality: dict[str, Any]) -> Table:
    names = {
        "sessions": "sessions with a time",
        "left_out": "sessions without a time",
        "spacing_violations": "gaps out of bounds",
        "over_quota": "sessions beyond their week's quota",
        "continuity": "share with the main practitioner",
        "days_to_first": "days from the wished start to the first",
        "proven_optimal": "proven to be the best course",
    }
    table = Table("quality", "")
    for name, title in names.items():
        if name in quality:
            table.add_row(title, _shown(quality[name]))
    return table


def _shown(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.0%}"
        case _:
            return str(value)
