"""Signing in to the console, what each role may do, and the trail of it, on real PostgreSQL."""

import re
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.console.api import edge
from services.console.domain.audit import broken
from services.console.store import audit
from shared.database import open_engine
from shared.messaging.door import Door
from tests.handlers.console_desk import HTML, PASSWORD, account_of, csrf_of, door_of, pages, running_of, sign_in


@pytest_asyncio.fixture(loop_scope="session")
async def door(database_url: str) -> AsyncGenerator[Door]:
    engine = open_engine(database_url, "console")
    yield door_of(engine)
    await engine.dispose()


@pytest_asyncio.fixture(loop_scope="session")
async def client(door: Door, clinic_id: str, tmp_path: Path) -> AsyncGenerator[httpx.AsyncClient]:
    async with pages(door, clinic_id, tmp_path) as client:
        yield client


async def trail(door: Door, clinic_id: str) -> list[str]:
    """The clinic's entries, oldest first, in short."""
    async with door.work() as work:
        entries = [one async for some in audit.chain(work.tx, clinic_id) for one in some]
    assert list(broken(entries)) == []
    return [f"{one.event.person_id} {one.event.action} {one.event.outcome}" for one in entries]


async def enter(client: httpx.AsyncClient, name: str, password: str) -> httpx.Response:
    return await client.post("/sign-in", data={"name": name, "password": password}, headers=HTML)


async def test_a_password_opens_a_session_that_the_cookie_names_and_does_not_hold(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    led = await client.get("/clinic", headers=HTML)
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in")
    opened = await enter(client, account_of("clinician", clinic_id).upper(), PASSWORD)
    assert (opened.status_code, opened.headers["location"]) == (303, "/")
    cookie = opened.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert (await client.get("/clinic", headers=HTML)).status_code == 200
    async with door.work() as work:
        kept = (await work.tx.execute(text("SELECT id FROM session WHERE clinic_id = :c"), {"c": clinic_id})).scalar()
    assert str(kept) not in cookie
    assert await trail(door, clinic_id) == ["st-clinician session.opened success"]


@pytest.mark.parametrize(("wanted", "led"), [("/inbox/a-1", "/inbox/a-1"), ("/operations", "/")])
async def test_a_link_to_an_alert_leads_there_once_somebody_has_signed_in(
    client: httpx.AsyncClient, clinic_id: str, wanted: str, led: str
) -> None:
    assert (await client.get(wanted, headers=HTML)).headers["location"] == "/sign-in"
    for place in (led, "/"):
        assert (await enter(client, account_of("clinician", clinic_id), PASSWORD)).headers["location"] == place


@pytest.mark.parametrize("place", ["https://elsewhere.example/inbox/a", "//elsewhere.example", "/inbox/a/../../x", ""])
async def test_signing_in_leads_nobody_out_of_the_console(
    client: httpx.AsyncClient, clinic_id: str, place: str
) -> None:
    client.cookies.set("stride_on_the_way", place)
    assert (await enter(client, account_of("clinician", clinic_id), PASSWORD)).headers["location"] == "/"


async def test_a_wrong_password_is_refused_without_saying_what_was_wrong(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    known = await enter(client, account_of("clinician", clinic_id), "guess-guess")
    unknown = await enter(client, account_of("nobody", clinic_id), "guess-guess")
    for answer in (known, unknown):
        assert answer.status_code == 401
        assert 'role="alert"' in answer.text
        assert "guess-guess" not in answer.text
    assert await trail(door, clinic_id) == ["st-clinician session.opened refused"]


async def test_guessing_is_stopped_for_a_while_even_with_the_right_password(
    client: httpx.AsyncClient, clinic_id: str
) -> None:
    name = account_of("operator", clinic_id)
    tried = [(await enter(client, name, "guess")).status_code for _ in range(11)]
    assert tried == [401] * 10 + [429]
    assert (await enter(client, name, PASSWORD)).status_code == 429
    assert (await enter(client, account_of("auditor", clinic_id), PASSWORD)).status_code == 303


async def test_a_link_signs_in_once(client: httpx.AsyncClient, door: Door, clinic_id: str) -> None:
    from services.console.store import sessions

    async with door.work() as work:
        secret = await sessions.make_link(work.tx, account_of("auditor", clinic_id), 5)
        old = await sessions.make_link(work.tx, account_of("auditor", clinic_id), 0)
    assert (await client.get(f"/enter/{secret}", headers=HTML)).status_code == 303
    assert (await client.get("/audit", headers=HTML)).status_code == 200
    client.cookies.clear()
    for used in (secret, old, "x"):
        assert (await client.get(f"/enter/{used}", headers=HTML)).status_code == 410


async def test_a_session_ends_when_nobody_touches_it_and_what_pages_fetch_by_themselves_is_no_touch(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    await sign_in(client, door, "auditor", clinic_id)
    age = text("UPDATE session SET seen_at = seen_at - interval '14 minutes' WHERE clinic_id = :c")
    for touch in ({}, {"x-stride-live": "1"}):
        async with door.work() as work:
            await work.tx.execute(age, {"c": clinic_id})
        assert (await client.get("/audit", headers={**HTML, **touch})).status_code == 200
    async with door.work() as work:
        await work.tx.execute(age, {"c": clinic_id})
    assert (await client.get("/audit", headers=HTML)).status_code == 303


async def test_an_account_that_is_taken_away_takes_its_sessions_along(
    client: httpx.AsyncClient, door: Door, clinic_id: str, tmp_path: Path
) -> None:
    await sign_in(client, door, "auditor", clinic_id)
    (tmp_path / "accounts.json").write_text("{}")
    assert (await client.get("/audit", headers=HTML)).status_code == 303


async def test_signing_out_ends_the_session_itself_not_only_the_cookie(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    await sign_in(client, door, "auditor", clinic_id)
    cookie = client.cookies["stride_console"]
    out = await client.post("/sign-out", data={"csrf": await csrf_of(client, "/audit")}, headers=HTML)
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert "storage" in out.headers["clear-site-data"]
    client.cookies.set("stride_console", cookie)
    assert (await client.get("/audit", headers=HTML)).status_code == 303


async def test_whoever_may_not_see_a_page_is_told_so_and_it_is_on_record(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    await sign_in(client, door, "front-desk", clinic_id)
    refused = await client.get("/audit", headers=HTML)
    assert (refused.status_code, "Not allowed" in refused.text) == (403, True)
    assert (await trail(door, clinic_id))[-1] == "st-front-desk page.opened refused"


async def test_nothing_is_done_without_the_secret_of_a_page_or_from_another_site(
    door: Door, clinic_id: str, tmp_path: Path
) -> None:
    """Of every route that takes a POST: with a cookie alone, nothing happens."""
    app = FastAPI()
    edge(running_of(door, clinic_id, tmp_path), app)
    paths = [route.path for route in app.routes if isinstance(route, APIRoute) and "POST" in (route.methods or ())]
    assert "/sign-out" in paths
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as client:
        for role in ("clinician", "front-desk", "operator", "auditor"):
            await sign_in(client, door, role, clinic_id)
            for path in paths:
                real = re.sub(r"\{\w+(:\w+)?\}", "x", path.replace("{action}", "resolve").replace("{sequence}", "1"))
                elsewhere = await client.post(real, headers={"origin": "https://evil.example"})
                assert elsewhere.status_code == 403, real
                if path not in {"/sign-in", "/settings"}:
                    alone = await client.post(real, data={"csrf": "00"})
                    assert alone.status_code == 403, real


async def test_the_trail_is_only_added_to_and_tells_when_it_was_changed(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    await sign_in(client, door, "auditor", clinic_id)
    csrf = await csrf_of(client, "/audit")
    holds = await client.post("/audit/verify", data={"csrf": csrf}, headers=HTML)
    assert "the chain holds" in holds.text
    change = text("UPDATE audit SET person_id = 'somebody-else' WHERE clinic_id = :c AND number = 1")
    with pytest.raises(DBAPIError, match="only added to"):
        async with door.engine.begin() as tx:
            await tx.execute(change, {"c": clinic_id})
    async with door.engine.begin() as tx:
        await tx.execute(text("ALTER TABLE audit DISABLE TRIGGER audit_is_only_added_to"))
        await tx.execute(change, {"c": clinic_id})
        await tx.execute(text("ALTER TABLE audit ENABLE TRIGGER audit_is_only_added_to"))
    broke = await client.post("/audit/verify", data={"csrf": csrf}, headers=HTML)
    assert "1: was changed after it was written" in broke.text


async def test_pages_speak_the_readers_language_and_keep_their_choice(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    page = await client.get("/sign-in", headers={**HTML, "accept-language": "de-CH,en;q=0.5"})
    assert '<html lang="de"' in page.text
    assert "Anmelden" in page.text
    await client.post("/settings", data={"language": "en", "theme": "dark", "back": "//evil.example"})
    page = await client.get("/sign-in", headers={**HTML, "accept-language": "de"})
    assert '<html lang="en" data-theme="dark">' in page.text
    led = await client.post("/settings", data={"back": "//evil.example"})
    assert led.headers["location"] == "/"


async def test_a_page_may_load_nothing_from_elsewhere_and_runs_only_what_is_vouched_for(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    await sign_in(client, door, "auditor", clinic_id)
    page = await client.get("/audit", headers=HTML)
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in page.headers["content-security-policy"]
    assert re.findall(r"<script(?![^>]* integrity=)", page.text) == []
    assert re.findall(r"<style|style=|\son\w+=", page.text) == []
    for path in re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text):
        assert (await client.get(path)).status_code == 200, path
