"""Messages and alerts read as FHIR R4."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fhir.resources.R4B import get_fhir_model_class

from tests.domain.notifications_examples import Example
from tests.handlers.notifications_desk import Desk, desk_at
from tests.handlers.notifications_web import as_, open_web


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database_url: str, clinic_id: str) -> AsyncGenerator[Desk]:
    async with desk_at(database_url, clinic_id, f"{clinic_id}-other") as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def web(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[httpx.AsyncClient]:
    async with open_web(desk, monkeypatch) as client:
        yield client


async def read(web: httpx.AsyncClient, clinic: str, url: str, role: str = "clinic-system") -> dict[str, Any]:
    """A valid resource."""
    answer = await web.get(url, headers=as_(clinic, role))
    assert answer.headers["content-type"].startswith("application/fhir+json")
    resource = answer.json()
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    return resource


async def test_messages_to_a_patient_are_communications_without_text_and_address(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    ann = Example(clinic_id)
    await desk.admit(ann.registered(), ann.booked(), ann.cancelled(0), ann.adverse())
    bundle = await read(web, clinic_id, "/fhir/Communication?patient=Patient/p-1")
    found = [entry["resource"] for entry in bundle["entry"]]
    by_kind = {one["category"][0]["text"]: one for one in found}
    assert set(by_kind) == {"booked", "reminder", "cancelled"}, "what staff are told is not the patient's"
    assert (by_kind["booked"]["status"], by_kind["reminder"]["status"]) == ("preparation", "not-done")
    assert by_kind["reminder"]["statusReason"] == {"text": "newer-version"}
    assert by_kind["booked"]["medium"][0]["coding"][0]["code"] == "EMAILWRIT"
    assert "example.org" not in str(bundle)
    assert "Ann" not in str(bundle)
    one = await read(web, clinic_id, f"/fhir/Communication/{found[0]['id']}")
    assert one == found[0]


async def test_alerts_are_tasks_page_by_page(desk: Desk, web: httpx.AsyncClient, clinic_id: str) -> None:
    ann = Example(clinic_id)
    await desk.admit(ann.registered(), ann.reached(), ann.adverse(), ann.unschedulable())
    page = await read(web, clinic_id, "/fhir/Task?patient=p-1&_count=2", "clinician")
    following = next(link["url"] for link in page["link"] if link["relation"] == "next")
    last = await read(web, clinic_id, following, "clinician")
    found = [entry["resource"] for one in (page, last) for entry in one["entry"]]
    assert [(one["code"]["text"], one["priority"], one["status"]) for one in found] == [
        ("course-unschedulable", "urgent", "requested"), ("adverse-event", "stat", "requested"),
        ("milestone", "routine", "requested"),
    ]  # fmt: skip
    alert_id = found[1]["id"]
    for verb, body, status in (("acknowledge", {}, "accepted"), ("resolve", {"resolution": "duplicate"}, "cancelled")):
        await web.post(f"/alerts/{alert_id}/{verb}", json=body, headers=as_(clinic_id))
        assert (await read(web, clinic_id, f"/fhir/Task/{alert_id}"))["status"] == status


@pytest.mark.parametrize("kind", ["Communication", "Task"])
async def test_another_clinic_and_another_role_read_nothing(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str, kind: str
) -> None:
    ann = Example(clinic_id)
    await desk.admit(ann.registered(), ann.booked(), ann.adverse())
    (entry, *_) = (await read(web, clinic_id, f"/fhir/{kind}?patient=p-1"))["entry"]
    other = f"{clinic_id}-other"
    assert "entry" not in await read(web, other, f"/fhir/{kind}?patient=p-1")
    for clinic, role, url, status in (
        (other, "clinician", f"/fhir/{kind}/{entry['resource']['id']}", 404),
        (clinic_id, "front-desk", f"/fhir/{kind}?patient=p-1", 403),
        (clinic_id, "clinician", f"/fhir/{kind}?patient=p%201", 422),
        (clinic_id, "clinician", f"/fhir/{kind}", 422),
        (clinic_id, "nobody", f"/fhir/{kind}?patient=p-1", 401),
    ):
        answer = await web.get(url, headers=as_(clinic, role))
        assert answer.status_code == status
        assert (await read(web, clinic, url, role))["resourceType"] == "OperationOutcome"
