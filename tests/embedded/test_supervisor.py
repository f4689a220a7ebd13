"""The supervisor keeps processes running, and leaves none behind."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import psutil
import pytest
import pytest_asyncio

from stride.embedded import Addresses, External, Settings, Stack
from stride.embedded.errors import StartFailed
from tests.embedded.processes import all_gone, family, read_line, start_stride

pytestmark = pytest.mark.timeout(90)

# No servers: these tests are about the services above them.
ELSEWHERE = External("127.0.0.1:9", "postgresql://nobody@127.0.0.1:9/none", "smtp://127.0.0.1:9")


def _dummies(*names: str) -> Settings:
    return Settings(services=names, package="tests.embedded.dummies", external=ELSEWHERE)


@pytest_asyncio.fixture
async def steady(tmp_path: Path) -> AsyncGenerator[Stack]:
    async with Stack(tmp_path, _dummies("steady")) as stack:
        yield stack


async def _pid(stack: Stack, name: str) -> int:
    async with httpx.AsyncClient() as web:
        return int((await web.get(stack.addresses.services[name])).text)


async def test_a_crashed_service_is_started_again_at_the_same_address(steady: Stack) -> None:
    before = await _pid(steady, "steady")

    await steady.kill("steady", signal.SIGKILL)
    await steady.wait_ready("steady")

    assert await _pid(steady, "steady") != before


async def test_a_service_is_restarted_with_grace(steady: Stack) -> None:
    before = await _pid(steady, "steady")

    await steady.restart("steady")

    assert await _pid(steady, "steady") != before


async def test_a_service_finds_its_environment(steady: Stack) -> None:
    environment = psutil.Process(await _pid(steady, "steady")).environ()

    assert environment["KAFKA_BOOTSTRAP"] == ELSEWHERE.kafka_bootstrap
    assert environment["DATABASE_URL"] == ELSEWHERE.database_url
    assert environment["STRIDE_SMTP"] == ELSEWHERE.smtp
    assert environment["STRIDE_HOME"] == str(steady.home.path)
    assert environment["STRIDE_TOKENS"].endswith("secrets/tokens.json")


async def test_a_service_with_a_wrong_configuration_is_not_tried_again(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="STRIDE_EXAMPLE is missing") as refused:
        async with Stack(tmp_path, _dummies("steady", "misconfigured")):
            pass
    assert refused.value.exit_code == 78
    assert await all_gone(_of_home(tmp_path))


async def test_a_service_that_never_starts_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="it does not start"):
        async with Stack(tmp_path, _dummies("broken")):
            pass


async def test_what_is_to_be_prepared_comes_before_the_services(tmp_path: Path) -> None:
    prepared: list[Addresses] = []

    async def prepare(addresses: Addresses) -> None:
        assert not _of_home(tmp_path)
        prepared.append(addresses)

    settings = Settings(services=["steady"], package="tests.embedded.dummies", external=ELSEWHERE, prepare=[prepare])
    async with Stack(tmp_path, settings):
        assert len(prepared) == 1


async def test_hurrying_kills_what_does_not_want_to_stop(tmp_path: Path) -> None:
    async with Stack(tmp_path, _dummies("stubborn")) as stack:
        running = _of_home(tmp_path)
        assert len(running) == 2
        asyncio.get_running_loop().call_later(0.3, stack.hurry)
    assert await all_gone(running, within=1)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
async def test_nothing_is_left_however_the_supervisor_ends(tmp_path: Path, sent: signal.Signals) -> None:
    stride = await start_stride("up", "--servers-only", "--json", "--home", tmp_path)
    assert "kafka_bootstrap" in await read_line(stride)
    children = family(stride.pid)
    assert {"postgres", "java"} <= {process.name() for process in children}

    stride.send_signal(sent)

    assert await all_gone(children, within=20)
    await stride.communicate()
    assert stride.returncode == (-signal.SIGKILL if sent is signal.SIGKILL else 0)


@pytest.mark.parametrize("step", ["Starting PostgreSQL", "Starting Kafka"])
async def test_nothing_is_left_when_the_start_is_broken_off(tmp_path: Path, step: str) -> None:
    stride = await start_stride("up", "--servers-only", "--home", tmp_path)
    while step not in (line := await read_line(stride)):
        assert line, "the start ended before that step"
    children = family(stride.pid)

    stride.send_signal(signal.SIGINT)

    async with asyncio.timeout(20):
        _, err = await stride.communicate()
    assert await all_gone(children)
    assert b"Traceback" not in err


def _of_home(home: Path) -> list[psutil.Process]:
    """Processes that were started for a home."""
    return [process for process in family(os.getpid()) if _home_of(process) == str(home)]


def _home_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("STRIDE_HOME")
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
