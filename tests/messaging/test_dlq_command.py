"""`stride dlq` as an operator uses it: what it shows, what it hides, what it asks, and how it ends."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
import typer
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.clock import SystemClock
from shared.database import driver_url
from shared.ids import random_id
from shared.messaging.door import Door
from stride.cli.dlq_options import moment
from stride.cli.run import run
from stride.demo.watch import read_all
from tests.messaging.stranding import NAME, mendable_letter, park, readable_letter, still_parked, unreadable_letter
from tests.messaging.test_door import door

__all__ = ["door"]

Stride = Callable[..., Any]


@pytest.fixture
def stride(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    database_url: str,
    kafka_bootstrap: str,
    tmp_path: Path,
) -> Stride:
    """Runs `stride dlq ...`: its exit code, standard output and standard error."""
    tokens = tmp_path / "tokens.json"
    tokens.write_text("{}")
    monkeypatch.setenv("STRIDE_TOKENS", str(tokens))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("KAFKA_BOOTSTRAP", kafka_bootstrap)
    monkeypatch.setenv("COLUMNS", "80")

    async def ask(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = await asyncio.to_thread(run, ["dlq", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return ask


@pytest_asyncio.fixture(loop_scope="session")
async def one_service_login(database_url: str) -> AsyncGenerator[str]:
    """The login of progress alone, as in docker compose."""
    name = f"dlq_{random_id().replace('-', '_')}"
    engine = create_async_engine(driver_url(database_url), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE ROLE {name} LOGIN PASSWORD 'p' IN ROLE stride_progress"))
        yield make_url(database_url).set(username=name, password="p").render_as_string(hide_password=False)
        await connection.execute(text(f"DROP ROLE {name}"))
    await engine.dispose()


async def test_the_list_names_each_by_an_id_and_says_when_there_is_nothing(
    stride: Stride, door: Door, kafka_bootstrap: str, clinic_id: str
) -> None:
    only = ("--key", f"{clinic_id}/*")
    code, out, _ = await stride("list", *only)
    assert (code, out) == (0, "Nothing is parked and there are no dead letters that match.\n")
    assert json.loads((await stride("list", *only, "--json"))[1]) == {"count": 0, "stranded": [], "not_seen": []}
    await park(door, clinic_id, "transferred", "completed")
    letter, event_id = await readable_letter(kafka_bootstrap, clinic_id)
    _, out, _ = await stride("list", *only)
    assert [line.split()[:2] for line in out.splitlines() if line.startswith("progress:")] == [
        [f"progress:key:{clinic_id}/p", "2"], [letter, "1"],
    ]  # fmt: skip
    assert "1 parked keys with 2 events, 1 dead letters." in out
    _, out, _ = await stride("list", *only, "--kind", "letters", "--since", "5m", "--json")
    (one,) = json.loads(out)["stranded"]
    assert SystemClock().now() > datetime.fromisoformat(one.pop("since"))
    assert one == {
        "id": letter, "kind": "letter", "service": "progress", "topic": "plan.ended", "key": f"{clinic_id}/late",
        "type": "clinic.plan.ended.v1", "event_id": event_id, "reason": "unknown-type: not known", "events": 1,
        "bytes": one["bytes"],
    }  # fmt: skip


@pytest.mark.parametrize("as_json", [(), ("--json",)])
async def test_values_are_shown_to_whoever_asks_for_them_only(
    stride: Stride, door: Door, kafka_bootstrap: str, clinic_id: str, as_json: tuple[str, ...]
) -> None:
    await park(door, clinic_id, "transferred")
    for one in (f"progress:key:{clinic_id}/p", await unreadable_letter(kafka_bootstrap, clinic_id)):
        masked = await stride("show", one, *as_json)
        listed = await stride("list", "--key", f"{clinic_id}/*", *as_json)
        tried = await stride("replay", one, "--dry-run", *as_json)
        for code, out, err in (masked, listed, tried):
            assert code == 0 or one in out
            assert NAME not in out + err
        assert '"patient_name": "text"' in masked[1]
        code, out, _ = await stride("show", one, "--reveal", *as_json)
        assert code == 0
        assert f'"patient_name": "{NAME}"' in out


async def test_show_tells_where_each_event_came_from_in_order(stride: Stride, door: Door, clinic_id: str) -> None:
    order = await park(door, clinic_id, "transferred", "completed", "completed")
    code, out, _ = await stride("show", f"progress:key:{clinic_id}/p", "--events", "2")
    assert code == 0
    assert [line.split()[-1] for line in out.splitlines() if line.startswith("Event id")] == order[:2]
    assert "plan.ended, partition 0, offset" in out
    assert "ZeroDivisionError in the handler" in out
    assert "1 more events wait behind" in out
    code, out, _ = await stride("show", f"progress:key:{clinic_id}/p", "--json")
    told = json.loads(out)
    assert [record["event_id"] for record in told["records"]] == order
    assert [record["reason"] for record in told["records"]] == [
        "ZeroDivisionError in the handler", "behind-parked", "behind-parked",
    ]  # fmt: skip
    assert told["bytes"] == sum(record["bytes"] for record in told["records"])
    assert ["ce_id", order[0]] in told["records"][0]["headers"]


async def test_a_replay_goes_through_the_services_own_handlers_and_twice_has_one_effect(
    stride: Stride, door: Door, kafka_bootstrap: str, clinic_id: str
) -> None:
    # What failed in the small service of these tests is fine for the real progress.
    await park(door, clinic_id, "transferred", "completed")
    letter, _ = await readable_letter(kafka_bootstrap, clinic_id)
    never = await unreadable_letter(kafka_bootstrap, clinic_id)
    only = ("--key", f"{clinic_id}/*")
    code, out, _ = await stride("replay", *only, "--dry-run", "--json")
    tried = json.loads(out)
    assert (code, tried["dry_run"], tried["events"], tried["letters"]) == (1, True, 2, 1)
    assert await still_parked(door.engine) == {f"{clinic_id}/p": 2}
    code, out, err = await stride("replay", *only, "--json")
    told = json.loads(out)
    assert (code, told["dry_run"], told["events"], told["letters"]) == (1, False, 2, 1)
    assert [failed["id"] for failed in told["failed"]] == [never]
    assert told["not_running"] == ["progress"]
    assert "progress is not running" in err
    assert await still_parked(door.engine) == {}
    assert await _plans_of(door, clinic_id) == 2
    code, out, _ = await stride("replay", f"progress:key:{clinic_id}/p", letter)
    assert code == 0
    assert f"{letter} is not stranded (any more)." in out
    assert "Nothing to replay." in out
    assert await _plans_of(door, clinic_id) == 2


async def _plans_of(door: Door, clinic_id: str) -> int:
    async with door.engine.connect() as connection:
        found = await connection.scalar(
            text("SELECT count(*) FROM plan WHERE clinic_id = :clinic"), {"clinic": clinic_id}
        )
        return int(found or 0)


async def test_a_letter_is_mended_by_the_path_of_a_field_and_nothing_of_it_is_shown(
    stride: Stride, kafka_bootstrap: str, clinic_id: str
) -> None:
    letter, event_id, content = await mendable_letter(kafka_bootstrap, clinic_id)
    code, out, _ = await stride("mend", letter, "--set", '/reason="gone"')
    assert (code, "bad-value" in out) == (1, True)
    for more, says in ((["--dry-run"], "would be replayed"), ([], "replayed"), ([], "not stranded (any more)")):
        code, out, err = await stride("mend", letter, "--set", '/reason="completed"', "--remove", "/note", *more)
        assert (code, says in out) == (0, True), out + err
        assert NAME not in out + err
    (back,) = [
        orjson.loads(record.value or b"") for record in await read_all(kafka_bootstrap, ["plan.ended"])
        if dict(record.headers).get("ce_id") == event_id.encode()
    ]  # fmt: skip
    assert back == {name: value for name, value in content.items() if name != "note"} | {"reason": "completed"}


async def test_max_leaves_the_rest_for_the_next_time(stride: Stride, door: Door, clinic_id: str) -> None:
    await park(door, clinic_id, "transferred", "completed", "completed")
    code, out, _ = await stride("replay", "--key", f"{clinic_id}/p", "--max", "2", "--rate", "1000", "--json")
    told = json.loads(out)
    assert (code, told["events"], told["left"]) == (0, 2, [f"progress:key:{clinic_id}/p"])
    assert await still_parked(door.engine) == {f"{clinic_id}/p": 1}


async def test_everything_is_replayed_only_after_a_yes(stride: Stride, door: Door, clinic_id: str) -> None:
    await park(door, clinic_id, "transferred")
    code, _, err = await stride("replay")
    assert code == 2
    assert "say --yes, or select by IDs or filters" in err
    assert await still_parked(door.engine) == {f"{clinic_id}/p": 1}
    _, out, err = await stride("replay", "--yes")
    assert await still_parked(door.engine) == {}, out + err


async def test_a_login_of_one_service_sees_that_service_only(
    stride: Stride, door: Door, one_service_login: str, monkeypatch: pytest.MonkeyPatch, clinic_id: str
) -> None:
    await park(door, clinic_id, "transferred")
    monkeypatch.setenv("DATABASE_URL", one_service_login)
    code, out, _ = await stride("list", "--key", f"{clinic_id}/*")
    assert code == 0
    assert f"progress:key:{clinic_id}/p" in out
    assert "does not see: intake, scheduling, notifications, console." in out
    code, _, err = await stride("list", "--service", "intake")
    assert code == 78
    assert "may not see intake" in err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("show", "nonsense"), 2, "is no id"),
        (("show", "progress:plan.ended:x"), 2, "is no id"),
        (("show", "nobody:key:a/b"), 2, "no service 'nobody'"),
        (("show", "progress:key:no/body"), 1, "No events of no/body are parked"),
        (("show", "progress:plan.ended:99999999"), 1, "There is no dead letter"),
        (("show", "progress:no.topic:1"), 1, "There is no dead letter"),
        (("list", "--service", "nobody"), 2, "no service 'nobody'"),
        (("list", "--since", "yesterday"), 2, "takes an age"),
        (("replay", "nonsense"), 2, "is no id"),
        (("replay", "--max", "0", "--yes"), 2, "greater than or equal to 1"),
        (("nonsense",), 2, "nonsense"),
    ],
)
async def test_a_mistake_is_told_with_its_exit_code(
    stride: Stride, arguments: tuple[str, ...], code: int, told: str
) -> None:
    answer = await stride(*arguments)
    assert answer[0] == code
    assert told in answer[2]
    assert "Traceback" not in answer[2]


async def test_without_a_stack_it_says_what_to_start(
    stride: Stride, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, unused_tcp_port: int
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody:secret@127.0.0.1:{unused_tcp_port}/stride")
    code, _, err = await stride("list")
    assert code == 69
    assert f"PostgreSQL at 127.0.0.1:{unused_tcp_port}/stride can't be used" in err
    assert "secret" not in err
    monkeypatch.delenv("DATABASE_URL")
    code, _, err = await stride("list", "--home", str(tmp_path))
    assert code == 69
    assert f"stride up --home {tmp_path}" in err


def test_a_time_may_be_an_age_or_a_moment() -> None:
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert moment("90s", now) == datetime(2026, 3, 2, 8, 58, 30, tzinfo=UTC)
    assert moment("2d", now) == datetime(2026, 2, 28, 9, 0, tzinfo=UTC)
    assert moment("2026-03-01T08:00", now) == moment("2026-03-01T09:00+01:00", now)
    with pytest.raises(typer.BadParameter, match="takes an age"):
        moment("soon", now)
