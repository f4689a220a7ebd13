"""The delivery ledger on the console: asked of notifications over HTTP, with a pass, by id alone."""

from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest_asyncio

from shared.database import open_engine
from tests.domain.notifications_examples import Example
from tests.handlers.console_desk import HTML, door_of, pages, sign_in
from tests.handlers.notifications_desk import Desk, open_desk, post_office
from tests.handlers.notifications_house import House, open_house
from tests.handlers.test_console_people import trail


@pytest_asyncio.fixture(loop_scope="session")
async def house(database_url: str, clinic_id: str, tmp_path: Path) -> AsyncGenerator[House]:
    engine, folder = open_engine(database_url, "notifications"), tmp_path / "house"
    folder.mkdir()
    desk: Desk = await open_desk(engine, "localhost:1", [clinic_id, f"{clinic_id}-other"])
    async with post_office(tmp_path / "mail") as post, open_house(desk, post, folder) as opened:
        yield opened
    await engine.dispose()


@pytest_asyncio.fixture(loop_scope="session")
async def client(house: House, database_url: str, clinic_id: str, tmp_path: Path) -> AsyncGenerator[httpx.AsyncClient]:
    engine = open_engine(database_url, "console")
    known = {
        "stride_services": f"notifications={house.settings.stride_public_url}",
        "stride_tokens": house.settings.stride_tokens,
        "stride_accounts": tmp_path / "accounts.json",
    }
    console = door_of(engine)
    async with pages(console, clinic_id, tmp_path, **known) as opened:
        await sign_in(opened, console, "operator", clinic_id)
        yield opened
        assert "st-operator deliveries.viewed success" in await trail(console, clinic_id)
    await engine.dispose()


async def test_the_ledger_is_shown_by_state_and_patient_without_a_name_and_of_ones_own_clinic_alone(
    house: House, client: httpx.AsyncClient, clinic_id: str
) -> None:
    ann, ben = Example(clinic_id, "p-ann"), Example(clinic_id, "p-ben", "plan-2")
    other = Example(f"{clinic_id}-other", "p-other", "plan-3")
    await house.desk.admit(*(fact for one in (ann, ben, other) for fact in (one.registered(), one.booked())))
    shown = await client.get("/operations/deliveries", headers=HTML)
    assert shown.status_code == 200, shown.text
    assert ("p-ann" in shown.text, "p-ben" in shown.text, "p-other" in shown.text) == (True, True, False)
    assert "Ann Example" not in shown.text
    assert "ann@example.org" not in shown.text
    one = await client.get("/operations/deliveries", params={"patient_id": "p-ben"}, headers=HTML)
    assert ("p-ann" in one.text, "p-ben" in one.text) == (False, True)
    none = await client.get("/operations/deliveries", params={"state": "unknown"}, headers=HTML)
    assert "No message matches." in none.text
