"""Services rebuilt from the log: the same state, nothing published, nothing sent; damage is found and mended."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from shared.flow import FLOW
from shared.rebuild.outcome import NotToBeRebuilt, Rebuilt
from tests.embedded.processes import start_stride
from tests.journeys.rebuilds import Clinic, differing

pytestmark = [pytest.mark.slow, pytest.mark.timeout(480)]


def lost(table: str, key: str, where: str = "true") -> str:
    return f"DELETE FROM {table} WHERE {_first(table, key, where)}"


def damaged(table: str, key: str, change: str, where: str = "true") -> str:
    return f"UPDATE {table} SET {change} WHERE {_first(table, key, where)}"


def _first(table: str, key: str, where: str) -> str:
    return f"{key} = (SELECT min({key}) FROM {table} WHERE {where})"


DAMAGE = {
    "console": (
        lost("console.fact", "slot", "type = 'clinic.session.logged.v1'"),
        damaged("console.weekly", "ctid", "total = total + 1"),
    ),
    "intake": (
        lost("intake.record", "natural_key", "name = 'session.logged'"),
        damaged("intake.patient_file", "patient_id", "document = jsonb_set(document, '{revision}', '-1')"),
    ),
    "notifications": (
        # What the database refuses from anybody else.
        "SET stride.from_log = 'on'",
        lost("notifications.alert", "alert_id"),
        damaged(
            "notifications.delivery",
            "delivery_id",
            "state = 'superseded', told = NULL",
            "state = 'accepted' AND topic = 'reminder'",
        ),
    ),
    "progress": (
        lost("progress.session", "session_id"),
        damaged("progress.reading", "measurement_id", "value = value + 1"),
    ),
    "scheduling": (
        lost("scheduling.attendance", "session_id"),
        damaged("scheduling.appointment", "id", "start_at = start_at + interval '1 minute'"),
    ),
}
"""Per service, a row that is lost and one that says something else."""


@pytest.mark.parametrize("service", sorted(FLOW))
async def test_a_service_rebuilt_from_the_log_ends_in_the_same_state_and_sends_nothing(
    clinic: Clinic, service: str
) -> None:
    published, mails = await clinic.published(), await clinic.mails()
    rebuilt = await clinic.rebuild(service)
    assert differing(rebuilt) == []
    assert sum(table.rows for table in rebuilt.tables) > 50
    assert rebuilt.messages == {"applied": rebuilt.records}
    assert rebuilt.facts["ids"] == {}
    assert (await clinic.published(), await clinic.mails()) == (published, mails)
    assert f"{service}_rebuild" not in await clinic.schemas()


@pytest.mark.parametrize("service", sorted(FLOW))
async def test_a_lost_row_and_a_damaged_one_are_found_and_a_swap_mends_them(clinic: Clinic, service: str) -> None:
    published, mails = await clinic.published(), await clinic.mails()
    await clinic.query(*DAMAGE[service])
    rebuilt = await clinic.rebuild(service, swap=True)
    assert sum(table.only_rebuilt for table in rebuilt.tables) == 1
    assert sum(table.different for table in rebuilt.tables) == 1
    assert sum(table.only_running for table in rebuilt.tables) == 0
    sides = {example["side"] for table in differing(rebuilt) for example in table.examples}
    assert sides == {"only_rebuilt", "different"}
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await clinic.query(f"SET ROLE stride_{service}", f"DELETE FROM {rebuilt.old_schema}.parked")
    assert differing(await clinic.rebuild(service)) == []
    assert (await clinic.published(), await clinic.mails()) == (published, mails)


async def test_the_command_tells_of_differences_by_key_and_exits_1(clinic: Clinic) -> None:
    code, sound = await command(clinic, "progress")
    assert (code, sound["same"], sound["service"]) == (0, True, "progress")
    await clinic.query(DAMAGE["progress"][0])
    code, found = await command(clinic, "progress", "--keep")
    (session,) = [table for table in found["tables"] if table["examples"]]
    assert (code, found["same"], session["table"], session["only_rebuilt"]) == (1, False, "session", 1)
    assert set(session["examples"][0]["key"]) == {"clinic_id", "patient_id", "session_id"}
    assert "progress_rebuild" in await clinic.schemas()
    code, swapped = await command(clinic, "progress", "--swap", "--drop-old")
    schemas = await clinic.schemas()
    assert (code, bool(swapped["old_schema"])) == (0, True)
    assert swapped["old_schema"] not in schemas
    assert "progress_rebuild" not in schemas
    code, mended = await command(clinic, "progress")
    assert (code, mended["same"]) == (0, True)


async def test_two_rebuilds_of_a_service_do_not_get_into_each_others_way(clinic: Clinic) -> None:
    """The second is refused; the first goes on undisturbed."""
    first, second = await asyncio.gather(
        clinic.rebuild("scheduling"), clinic.rebuild("scheduling"), return_exceptions=True
    )
    refused, done = (first, second) if isinstance(first, Exception) else (second, first)
    assert isinstance(refused, NotToBeRebuilt)
    assert isinstance(done, Rebuilt)
    assert differing(done) == []


async def test_tables_of_another_release_are_not_rebuilt(clinic: Clinic) -> None:
    (row,) = await clinic.query("SELECT version_num FROM intake.alembic_version")
    await clinic.query("UPDATE intake.alembic_version SET version_num = '0000'")
    try:
        with pytest.raises(NotToBeRebuilt, match="version 0000"):
            await clinic.rebuild("intake")
    finally:
        await clinic.query(f"UPDATE intake.alembic_version SET version_num = '{row['version_num']}'")


async def test_an_unknown_service_is_answered_with_those_there_are(clinic: Clinic) -> None:
    code, answer = await command(clinic, "reception")
    assert code == 2
    assert "intake, scheduling, progress, notifications, console" in answer["error"]


async def command(clinic: Clinic, *arguments: str) -> tuple[int | None, Any]:
    """`stride rebuild` in a process of its own: its exit code and its last line."""
    process = await start_stride("rebuild", *arguments, "--home", clinic.home, "--json")
    out, _ = await process.communicate()
    return process.returncode, json.loads(out.decode().splitlines()[-1])
