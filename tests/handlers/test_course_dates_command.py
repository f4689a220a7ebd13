"""`stride course preview` and `stride course export` against scheduling's edge over real HTTP."""

import asyncio
import csv
import json
from collections.abc import AsyncGenerator
from datetime import datetime
from io import StringIO
from pathlib import Path

import icalendar
import pytest
import pytest_asyncio
import yaml
from fhir.resources.R4B.bundle import Bundle

from shared.settings import ROOT
from stride.cli.run import run
from tests.domain.scheduling_examples import WEEKLY, change, plan
from tests.handlers.scheduling_desk import Desk
from tests.handlers.scheduling_http import edge_of
from tests.handlers.serving import serving

PROTOCOL = str(ROOT / "protocols" / "foot-drop-acupuncture.yaml")


@pytest_asyncio.fixture(loop_scope="session")
async def url(desk: Desk, tmp_path: Path) -> AsyncGenerator[str]:
    """Where scheduling answers, with a course of four weekly sessions, the last of them given up."""
    await desk.take(plan(phases=[WEEKLY], clinic=desk.clinic_id))
    last = (await desk.appointments())[-1]
    await desk.take(change(last.id, clinic=desk.clinic_id, rebook=False))
    async with serving(edge_of(desk, tmp_path)) as address:
        yield address


async def stride(*arguments: str) -> int:
    return await asyncio.to_thread(run, ["course", *arguments])


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


async def test_a_preview_of_a_protocol_names_dates_conflicts_and_quality(
    url: str, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    reach = ("--url", url, "--token", "desk")
    assert await stride("preview", "--protocol", PROTOCOL, "--starts-on", "2026-03-09", *reach, "--json") == 0
    out, err = capsys.readouterr()
    found = json.loads(out.splitlines()[-1])
    assert found["quality"]["left_out"] == 0
    assert len(found["appointments"]) == found["quality"]["sessions"] > 10
    assert "Nothing is booked" in err
    assert "Mon 09 Mar 2026, 08:00" in err
    impossible = [option for day in ("MO", "TU", "WE", "TH", "FR") for option in ("--impossible", f"{day} 00:00-23:59")]
    wished = ("--protocol", PROTOCOL, "--starts-on", "2026-03-09", *impossible)
    assert await stride("preview", *wished, *reach) == 1
    assert "no time" in printed(capsys)
    assert len(await desk.rows("SELECT * FROM course WHERE clinic_id = :clinic")) == 1, "nothing is booked"


async def test_a_preview_of_a_plan_file_takes_yaml_and_the_fact_itself(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reach = ("--url", url, "--token", "desk", "--json")
    fact = plan("p9", [WEEKLY]).model_dump(mode="json")
    event, short = tmp_path / "plan.json", tmp_path / "plan.yaml"
    event.write_text(json.dumps({"specversion": "1.0", "data": fact}))
    needed = ("starts_on", "phases", "skill", "room_kind")
    short.write_text(yaml.safe_dump({name: fact[name] for name in needed}))
    for file in (event, short):
        assert await stride("preview", str(file), *reach) == 0
        assert len(json.loads(printed(capsys).splitlines()[-1])["appointments"]) == 4


async def test_what_is_no_plan_says_why(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reach = ("--url", url, "--token", "desk")
    (tmp_path / "list.yaml").write_text("[1]")
    assert await stride("preview", *reach) == 2
    assert await stride("preview", "--protocol", PROTOCOL, *reach) == 2
    assert await stride("preview", str(tmp_path / "list.yaml"), *reach) == 2
    assert await stride("preview", "--protocol", PROTOCOL, "--starts-on", "2026-03-09", "--prefer", "now", *reach) == 2
    assert await stride("preview", "--protocol", PROTOCOL, "--starts-on", "soon", *reach) == 78
    assert await stride("export", "plan-p1", "--as", "pdf", *reach) == 2
    assert await stride("export", "no-such-plan", *reach) == 1
    assert "now" in capsys.readouterr().err


async def test_a_course_is_exported_with_explicit_dates_in_every_format(
    url: str, desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reach = ("--url", url, "--token", "doctor")
    starts = [row.start_at for row in await desk.appointments() if row.status == "booked"]
    file = tmp_path / "course.ics"
    assert await stride("export", "plan-p1", "--output", str(file), *reach) == 0
    events = icalendar.Calendar.from_ical(file.read_bytes()).walk("VEVENT")
    assert [event.decoded("dtstart") for event in events] == starts
    assert {str(event["summary"]) for event in events} == {"Appointment"}
    assert await stride("export", "plan-p1", "--as", "json", *reach) == 0
    assert len(json.loads(printed(capsys))["appointments"]) == 4
    assert await stride("export", "plan-p1", "--as", "csv", *reach) == 0
    rows = list(csv.DictReader(StringIO(printed(capsys))))
    assert [row["session"] for row in rows] == ["1", "2", "3", "4"]
    assert [datetime.fromisoformat(row["start"]) for row in rows[:3]] == starts
    assert rows[3]["status"] == "given-up"
    assert await stride("export", "plan-p1", "--as", "fhir", *reach) == 0
    bundle = Bundle.model_validate(json.loads(printed(capsys)))
    assert len(bundle.entry or []) == 3


async def test_no_cell_of_a_csv_is_a_formula(url: str, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """Ids may begin with a minus sign, which spreadsheets would run."""
    strange = plan("p2", [WEEKLY.model_copy(update={"name": "-2+3"})], clinic=desk.clinic_id)
    await desk.take(strange.model_copy(update={"plan_id": "-1-1"}))
    assert await stride("export", "--as", "csv", "--url", url, "--token", "doctor", "--", "-1-1") == 0
    cells = [cell for row in csv.reader(StringIO(printed(capsys))) for cell in row]
    assert "'-1-1" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
