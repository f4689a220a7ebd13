"""`stride course export`: a booked course with explicit dates, for other programs."""

import csv
import json as jsonlib
from collections.abc import Callable, Iterator
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import httpx
import typer

from shared.ical import Entry, calendar_of
from stride.cli import exits
from stride.cli.asking import ask, opened, send
from stride.cli.course_options import ClinicOption, NoSuchCourse, PlanArgument, TokenOption, UrlOption
from stride.cli.options import DEFAULT_HOME, HomeOption
from stride.cli.reach import NoWay, tokens_of, url_of

_COLUMNS = (
    "plan_id", "session", "phase", "status", "start", "end", "practitioner_id", "room_id", "appointment_id",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_STANDING = ("booked", "fulfilled")

_As = Annotated[str, typer.Option("--as", metavar="FORMAT", help="ics (iCalendar), json, csv or fhir (a Bundle).")]
_Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: standard output.")]


def export(
    plan_id: PlanArgument,
    *,
    as_: _As = "ics",
    output: _Output = None,
    url: UrlOption = "",
    token: TokenOption = "",
    clinic: ClinicOption = "",
    home: HomeOption = DEFAULT_HOME,
) -> int:
    """Writes a booked course, each session with its explicit date. Names of patients are not in it.

    Exit code 0: written; 1: there is no such course; 2: no such format; 69: scheduling does not answer.
    """
    if as_ not in _FORMATS:
        raise typer.BadParameter(f"{as_} is none of {', '.join(_FORMATS)}", param_hint="--as")
    tokens = [token] if token else tokens_of(home, "clinician", clinic)
    with opened(url or url_of(home, "scheduling")) as http:
        answer, headers = ask(http, f"/courses/{plan_id}", tokens)
        if answer is None:
            raise NoSuchCourse("No clinic whose token was tried has a course of that plan id.")
        content = _FORMATS[as_](http, headers, answer.json())
    if output:
        output.write_bytes(content)
    else:
        typer.echo(content.decode(), nl=False)
    return exits.OK


def _json(_http: httpx.Client, _headers: dict[str, str], course: dict[str, Any]) -> bytes:
    return jsonlib.dumps(course, indent=2).encode() + b"\n"


def _ics(_http: httpx.Client, _headers: dict[str, str], course: dict[str, Any]) -> bytes:
    return calendar_of(
        Entry(each["id"], each["version"], _at(each["start"]), _at(each["end"]), each["room_id"])
        for each in course["appointments"]
        if each["status"] in _STANDING
    )


def _csv(_http: httpx.Client, _headers: dict[str, str], course: dict[str, Any]) -> bytes:
    """All sessions; those without a time have no dates. In local time, with its offset."""
    file = StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    writer.writerows([_harmless(str(row.get(name, ""))) for name in _COLUMNS] for row in _rows(course))
    return file.getvalue().encode()


def _rows(course: dict[str, Any]) -> Iterator[dict[str, Any]]:
    zone = ZoneInfo(course["zone"])
    at = {each["sequence"]: each for each in course["appointments"] if each["status"] in _STANDING}
    for session in course["sessions"]:
        row = {"plan_id": course["plan_id"], "session": session["sequence"], "phase": session["phase"]}
        booked = at.get(session["sequence"])
        if booked is None:
            yield row | {"status": "given-up" if session["given_up"] else "no-time"}
            continue
        times = {name: _at(booked[name]).astimezone(zone).isoformat() for name in ("start", "end")}
        names = {name: booked[name] for name in ("status", "practitioner_id", "room_id")}
        yield row | names | times | {"appointment_id": booked["id"]}


def _harmless(cell: str) -> str:
    """A spreadsheet takes what begins so for a formula (CSV injection, CWE-1236): the quote makes it text."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _fhir(http: httpx.Client, headers: dict[str, str], course: dict[str, Any]) -> bytes:
    """A collection of Appointment resources, as scheduling's FHIR edge gives them."""
    found: list[Any] = []
    for each in course["appointments"]:
        if each["status"] in _STANDING:
            answer = send(http, f"/fhir/Appointment/{each['id']}", headers)
            if not answer.is_success:
                raise NoWay(f"{http.base_url} says {answer.status_code} to one of the course's appointments.")
            found.append({"resource": answer.json()})
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": found}
    return jsonlib.dumps(bundle, indent=2).encode() + b"\n"


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


_FORMATS: dict[str, Callable[[httpx.Client, dict[str, str], dict[str, Any]], bytes]] = {
    "ics": _ics,
    "json": _json,
    "csv": _csv,
    "fhir": _fhir,
}
