"""`stride course show` against progress's edge over real HTTP."""

import asyncio
import json
import xml.etree.ElementTree as ET
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from services.progress.api import edge
from shared.messaging.service import Running
from shared.settings import Settings
from stride.cli.run import run
from stride.embedded.credentials import Credentials
from tests.domain.progress_story import PLAN, Story
from tests.handlers.serving import serving
from tests.handlers.test_progress_door import IMPROVING, admit, door_of


@pytest_asyncio.fixture(loop_scope="session")
async def url(progress_engine: AsyncEngine, clinic_id: str, tmp_path: Path) -> AsyncGenerator[str]:
    """Where progress answers, with a course in it; the home `tmp_path` has its tokens."""
    door = door_of(progress_engine)
    story = Story(clinic_id, "patient-1")
    await admit(door, [story.plan(), *story.course(IMPROVING)])
    credentials = Credentials.ensure(tmp_path / "secrets", ["another-clinic", clinic_id])
    settings = Settings(kafka_bootstrap="none", database_url="none", stride_tokens=credentials.tokens)
    app = FastAPI()
    edge(Running(settings, door.engine, door.clock, door.relay, door), app)
    async with serving(app) as address:
        yield address


async def stride(*arguments: str) -> int:
    return await asyncio.to_thread(run, ["course", "show", *arguments])


async def test_a_course_is_shown_with_its_reasons_and_drawn(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    svg = tmp_path / "course.svg"
    home = str(tmp_path)
    assert await stride(PLAN, "--url", url, "--home", home, "--svg", str(svg), "--json") == 0
    out, err = capsys.readouterr()
    course = json.loads(out.splitlines()[-1])
    assert course["sessions"] == 9
    assert "Reached during care on 20 Jan 2026" in " ".join(err.split())
    assert "Proposal, step 0 to 1: open" in err
    assert ET.parse(svg).getroot().attrib["role"] == "img"


async def test_what_can_not_be_shown_says_why(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], clinic_id: str
) -> None:
    home = ("--home", str(tmp_path))
    assert await stride("no-such-plan", "--url", url, *home) == 1
    assert await stride(PLAN, "--url", url, *home, "--clinic", "another-clinic") == 1
    assert await stride(PLAN, "--url", "http://127.0.0.1:9", *home) == 69
    assert await stride(PLAN, *home) == 78
    assert await stride(PLAN, "--url", url, "--token", "wrong") == 78
    _, err = capsys.readouterr()
    for told in ("No clinic whose token was tried", "does not answer", "give --url", "says 401"):
        assert told in " ".join(err.split()), told
    assert clinic_id not in err
