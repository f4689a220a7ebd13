"""A country changes its clocks: who starts with newer zone data puts appointments back to their wall time."""

import asyncio
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.scheduling.inbound.clinics import bring_in
from tests.domain.scheduling_examples import plan
from tests.handlers.scheduling_desk import Desk, Wall, a_clinic

_FACTS = """
    SELECT aggregatetype, convert_from(payload, 'UTF8') AS payload FROM outbox
    WHERE convert_from(aggregateid, 'UTF8') LIKE :clinic || '%' ORDER BY position
"""


def newer_zone_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """London gives up its summer time."""
    with (files("tzdata.zoneinfo.Etc") / "GMT").open("rb") as data:
        newer = ZoneInfo.from_file(data, key="Europe/London")
    monkeypatch.setattr("services.scheduling.domain.calendars.ZoneInfo", lambda _key: newer)  # pyright: ignore[reportUnknownLambdaType]


async def facts(desk: Desk) -> list[tuple[str, dict[str, Any]]]:
    return [(row.aggregatetype, orjson.loads(row.payload)) for row in await desk.rows(_FACTS)]


async def test_appointments_keep_their_wall_time_and_each_patient_is_told_once(
    engine: AsyncEngine, clinic_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic, patients = a_clinic(clinic_id), ("p1", "p2")
    desk = Desk(engine, clinic, Wall())
    await desk.take(*(plan(patient, clinic=clinic_id) for patient in patients))
    before = {row.id: row for patient in patients for row in await desk.appointments(patient)}
    summer = {name for name, row in before.items() if row.local_start.hour != row.start_at.hour}
    assert 0 < len(summer) < len(before), "the course reaches into the summer"
    known = len(await facts(desk))
    await bring_in(desk.door, clinic)
    assert len(await facts(desk)) == known, "the same zone data change nothing"

    newer_zone_data(monkeypatch)
    started = [Desk(engine, clinic, Wall()) for _ in range(2)]
    await asyncio.gather(*(one.start() for one in started))

    after = {row.id: row for patient in patients for row in await desk.appointments(patient)}
    assert after.keys() == before.keys()
    assert {name: row.local_start for name, row in after.items()} == {
        name: row.local_start for name, row in before.items()
    }
    assert {row.start_at.hour - row.local_start.hour for row in after.values()} == {0}
    assert {name for name, row in after.items() if row.start_at != before[name].start_at} == summer
    new = (await facts(desk))[known:]
    moved = [fact for name, fact in new if name == "appointment.moved"]
    assert sorted(fact["appointment_id"] for fact in moved) == sorted(summer)
    assert {name for name, _ in new} == {"clinic.described", "appointment.moved"}
    assert await desk.overlaps() == 0

    told = len(await facts(desk))
    await Desk(engine, clinic, Wall()).start()
    assert len(await facts(desk)) == told, "the next start finds nothing to do"
