"""Signing in to the console by an OpenID Connect provider that runs as a process of its own."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from shared.database import open_engine
from shared.settings import ROOT
from stride.embedded.ports import LOOPBACK, free_port
from tests.handlers.console_desk import HTML, door_of, pages

ADA = {"name": "Ada Lindqvist", "preferred_username": "st-ada", "stride_roles": ["clinician", "surgeon"]}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def provider() -> AsyncGenerator[str]:
    port = free_port(set())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.handlers.oidc_provider", str(port), cwd=ROOT
    )
    url = f"http://{LOOPBACK}:{port}"
    async with asyncio.timeout(30), httpx.AsyncClient() as client:
        while True:
            with suppress(httpx.HTTPError):
                await client.get(f"{url}/keys")
                break
            await asyncio.sleep(0.1)
    yield url
    process.terminate()
    await process.wait()


@pytest_asyncio.fixture(loop_scope="session")
async def client(database_url: str, clinic_id: str, tmp_path: Path, provider: str) -> AsyncGenerator[httpx.AsyncClient]:
    engine = open_engine(database_url, "console")
    settings = {
        "stride_oidc_issuer": provider,
        "stride_oidc_name": "Clinic login",
        "stride_console_url": "http://console",
    }
    async with pages(door_of(engine), clinic_id, tmp_path, **settings) as client:
        yield client
    await engine.dispose()


async def go(client: httpx.AsyncClient, provider: str, **claims: Any) -> httpx.Response:
    """To the provider and back, as a browser would; the provider vouches for somebody with these claims."""
    async with httpx.AsyncClient() as elsewhere:
        await elsewhere.post(f"{provider}/as", json=claims)
        left = await client.get("/sign-in/provider", headers=HTML)
        assert left.status_code == 303, left.text
        sent_back = await elsewhere.get(left.headers["location"])
    return await client.get(sent_back.headers["location"], headers=HTML)


async def test_whom_the_provider_vouches_for_is_signed_in_with_the_roles_that_we_know(
    client: httpx.AsyncClient, provider: str, clinic_id: str
) -> None:
    assert "Sign in with Clinic login" in (await client.get("/sign-in", headers=HTML)).text
    entered = await go(client, provider, **ADA, stride_clinic=clinic_id)
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    page = await client.get("/clinic", headers=HTML)
    assert (page.status_code, "Ada Lindqvist" in page.text) == (200, True)
    assert (await client.get("/audit", headers=HTML)).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "somebody-else"},
        {"aud": ["stride-console", "somebody-else"]},
        {"iss": "https://evil.example"},
        {"exp": int(time.time()) - 3600},
        {"nonce": "replayed"},
        {"signed_by": "unknown"},
        {"stride_roles": ["surgeon"]},
        {"stride_clinic": "no clinic/.."},
    ],
)
async def test_a_token_that_is_not_right_in_every_respect_signs_nobody_in(
    client: httpx.AsyncClient, provider: str, clinic_id: str, wrong: dict[str, Any]
) -> None:
    refused = await go(client, provider, **{**ADA, "stride_clinic": clinic_id, **wrong})
    assert (refused.status_code, 'role="alert"' in refused.text) == (401, True)
    assert (await client.get("/clinic", headers=HTML)).status_code == 303


async def test_who_comes_back_without_having_left_is_not_signed_in(
    client: httpx.AsyncClient, provider: str, clinic_id: str
) -> None:
    """Somebody sends their own code to another browser, to have them work in the wrong account."""
    async with httpx.AsyncClient() as elsewhere:
        await elsewhere.post(f"{provider}/as", json={**ADA, "stride_clinic": clinic_id})
        left = await client.get("/sign-in/provider", headers=HTML)
        sent_back = await elsewhere.get(left.headers["location"])
    client.cookies.clear()
    assert (await client.get(sent_back.headers["location"], headers=HTML)).status_code == 400
