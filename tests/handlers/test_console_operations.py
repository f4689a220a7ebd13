"""The operators' pages on a real service, Kafka and PostgreSQL: seen, found, tried, taken up, mended."""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio

from shared.alerting import alert_about
from shared.database import open_engine
from shared.events.notifications import THE_CLINIC, AlertRaised
from shared.events.operations import EventsStranded
from shared.messaging.dead_letter_topics import dead_letters
from shared.messaging.door import Door
from shared.tokens import Bearer, Tokens
from stride.demo.watch import read_all
from tests.handlers.console_desk import HTML, admit, csrf_of, door_of, pages, sign_in
from tests.handlers.operations_scene import Operated, operated
from tests.handlers.test_console_people import trail
from tests.messaging.counting import NOW, tally
from tests.messaging.stranding import NAME, mendable_letter, park, publish, readable_letter, still_parked
from tests.messaging.test_door import door, ended

__all__ = ["door"]

FAILS, FINE = "transferred", "completed"


@dataclass(frozen=True, slots=True)
class Scene:
    """An operator who has signed in to the console, and the service that it asks."""

    client: httpx.AsyncClient
    console: Door
    at: Operated
    clinic_id: str
    tokens: Tokens

    async def post(self, path: str, **fields: str) -> httpx.Response:
        csrf = await csrf_of(self.client, "/operations/stranded")
        return await self.client.post(path, data={**fields, "csrf": csrf}, headers=HTML)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(
    door: Door, database_url: str, kafka_bootstrap: str, clinic_id: str, tmp_path: Path
) -> AsyncGenerator[Scene]:
    engine = open_engine(database_url, "console")
    console = door_of(engine)
    async with operated(door, kafka_bootstrap, tmp_path) as at:
        known = {"kafka_bootstrap": kafka_bootstrap, "stride_services": at.services}
        async with pages(console, clinic_id, tmp_path, **known) as client:
            await sign_in(client, console, "operator", clinic_id)
            yield Scene(client, console, at, clinic_id, Tokens.load(tmp_path / "tokens.json"))
    await engine.dispose()


async def test_the_flow_is_drawn_with_what_goes_on_in_it(scene: Scene) -> None:
    await park(scene.at.door, scene.clinic_id, FAILS)
    assert "/operations/now" in (await scene.client.get("/operations", headers=HTML)).text
    shown = (await scene.client.get("/operations/now", headers=HTML)).text
    boxes = re.findall(r'class="name">([a-z]+)<', shown)
    assert set(boxes) == {"outside", "intake", "scheduling", "progress", "notifications", "console"}
    rows = re.findall(r'<th scope="row">(\w+)</th><td>(\w+)</td>.*?class="number">([^<]*)</td></tr>', shown)
    assert {("outside", "intake"), ("intake", "progress"), ("progress", "notifications"), ("intake", "console")} <= {
        row[:2] for row in rows
    }
    ready = r'<tr><th scope="row">progress</th>\s*<td><span class="badge good">.*?</tr>'
    (progress,) = re.findall(ready, shown, re.DOTALL)
    assert "kind=parked&amp;service=progress" in progress
    assert re.search(r'<th scope="row">intake</th>\s*<td colspan="5"><span class="badge alarm">', shown)


async def test_what_waits_on_an_arrow_is_counted_and_its_age_told(scene: Scene, kafka_bootstrap: str) -> None:
    """Nobody reads here: every record of the topic waits, since the first was written."""
    fact = ended("p", scene.clinic_id).fact
    await publish(kafka_bootstrap, "plan.ended", fact.document, b"k", [("ce_type", b"x")])
    shown = (await scene.client.get("/operations/now", headers=HTML)).text
    (row,) = re.findall(r'<th scope="row">intake</th><td>progress</td>(.*?)</tr>', shown, re.DOTALL)
    *_, rate, waiting, oldest = re.findall(r'class="number">([^<]*)</td>', row)
    assert int(waiting) >= 1
    assert re.fullmatch(r"\d+ (s|min|h)", oldest)
    assert rate == "–" or rate.endswith(("/s", "/min", "/h"))


async def test_what_is_stranded_is_found_and_looked_at_without_a_word_of_anybody(
    scene: Scene, kafka_bootstrap: str
) -> None:
    await park(scene.at.door, scene.clinic_id, FAILS, FINE)
    letter, _ = await readable_letter(kafka_bootstrap, scene.clinic_id)
    parked, key = f"progress:key:{scene.clinic_id}/p", f"{scene.clinic_id}/*"
    both = (await scene.client.get("/operations/stranded", params={"key": key}, headers=HTML)).text
    assert (parked in both, letter in both, "intake does not answer" in both) == (True, True, True)
    one = (await scene.client.get("/operations/stranded", params={"key": key, "kind": "letter"}, headers=HTML)).text
    assert (parked in one, letter in one) == (False, True)
    for word in (parked, letter):
        page = await scene.client.get(f"/operations/stranded/{word}", headers=HTML)
        assert page.status_code == 200
        assert "&#34;reason&#34;: &#34;text&#34;" in page.text or '"reason": "text"' in page.text
        assert NAME not in page.text + both
    missing = await scene.client.get("/operations/stranded/progress:plan.ended:999999", headers=HTML)
    assert missing.status_code == 404


async def test_a_try_changes_nothing_and_taking_up_has_its_effect_once_and_is_on_record(
    scene: Scene, kafka_bootstrap: str
) -> None:
    await park(scene.at.door, scene.clinic_id, FAILS, FINE)
    letter, event_id = await readable_letter(kafka_bootstrap, scene.clinic_id)
    picked = {f"pick:progress:key:{scene.clinic_id}/p": "on", f"pick:{letter}": "on"}
    scene.at.mend_the_cause()
    tried = await scene.post("/operations/replay", dry_run="1", **picked)
    assert "2 would be taken up." in tried.text
    assert await still_parked(scene.at.door.engine) != {}
    done = await scene.post("/operations/replay", **picked)
    assert "2 were taken up." in done.text
    again = await scene.post("/operations/replay", **picked)
    assert "were taken up." not in again.text
    assert (await tally(scene.at.door.engine))[f"{scene.clinic_id}/p"] == 2
    ids = [dict(record.headers).get("ce_id") for record in await read_all(kafka_bootstrap, ["plan.ended"])]
    assert ids.count(event_id.encode()) == 1
    assert (await trail(scene.console, scene.clinic_id)).count("st-operator stranded.replay success") == 3


async def test_all_that_match_a_filter_are_taken_up_and_what_fails_says_why(scene: Scene) -> None:
    for patient in ("a", "b"):
        await park(scene.at.door, scene.clinic_id, FAILS, patient=patient)
    fields = {"everything": "1", "service": "progress", "key": f"{scene.clinic_id}/*"}
    failed = await scene.post("/operations/replay", **fields)
    assert "2 can&#39;t be taken up." in failed.text or "2 can't be taken up." in failed.text
    assert "ZeroDivisionError" in failed.text
    scene.at.mend_the_cause()
    assert "2 were taken up." in (await scene.post("/operations/replay", **fields)).text


async def test_a_letter_is_mended_by_a_path_and_put_back_with_the_rest_as_it_was(
    scene: Scene, kafka_bootstrap: str
) -> None:
    letter, event_id, content = await mendable_letter(kafka_bootstrap, scene.clinic_id)
    wrong = await scene.post("/operations/mend", id=letter, pointer="/reason", value='"gone"')
    assert "bad-value" in wrong.text
    nowhere = await scene.post("/operations/mend", id=letter, pointer="/a/b", value="1")
    assert "leads to no field" in nowhere.text
    tried = await scene.post("/operations/mend", id=letter, pointer="/reason", value='"completed"', dry_run="1")
    assert "1 would be taken up." in tried.text
    assert (
        "1 was taken up."
        in (await scene.post("/operations/mend", id=letter, pointer="/reason", value='"completed"')).text
    )
    (back,) = [
        record for record in await read_all(kafka_bootstrap, ["plan.ended"])
        if dict(record.headers).get("ce_id") == event_id.encode()
    ]  # fmt: skip
    assert orjson.loads(back.value or b"") == content | {"reason": "completed"}
    left = [one for one in await dead_letters(kafka_bootstrap, ["progress"]) if one.event_id == event_id]
    assert left == []
    assert NAME not in wrong.text + tried.text


async def test_another_clinics_things_are_neither_seen_nor_taken_up(scene: Scene, kafka_bootstrap: str) -> None:
    """`elsewhere` is a clinic of the same stack."""
    letter, _ = await readable_letter(kafka_bootstrap, "elsewhere", patient=scene.clinic_id)
    assert letter not in (await scene.client.get("/operations/stranded", headers=HTML)).text
    assert (await scene.client.get(f"/operations/stranded/{letter}", headers=HTML)).status_code == 404
    answer = await scene.post("/operations/replay", **{f"pick:{letter}": "on"})
    assert "taken up." not in answer.text.replace("The rest was taken up meanwhile", "")
    theirs = Bearer(clinic_id="elsewhere", system="st-x", role="operator")
    async with httpx.AsyncClient(base_url=scene.at.url) as direct:
        for who, status in ((theirs, 200), (theirs.model_copy(update={"role": "clinician"}), 403)):
            headers = {"Authorization": f"Bearer {scene.tokens.pass_for(who)}"}
            assert (await direct.get(f"/operations/stranded/{letter}", headers=headers)).status_code == status
        assert (await direct.get("/operations/figures")).status_code == 401


@pytest.mark.parametrize("role", ["clinician", "front-desk", "auditor"])
async def test_the_pages_are_for_operators_alone(scene: Scene, role: str) -> None:
    scene.client.cookies.clear()
    await sign_in(scene.client, scene.console, role, scene.clinic_id)
    for path in ("/operations", "/operations/now", "/operations/stranded", "/operations/deliveries"):
        assert (await scene.client.get(path, headers=HTML)).status_code == 403
    assert (await scene.client.post("/operations/replay", headers=HTML)).status_code == 403


async def test_a_form_from_elsewhere_takes_up_nothing(scene: Scene) -> None:
    await park(scene.at.door, scene.clinic_id, FAILS)
    answer = await scene.client.post("/operations/replay", data={"everything": "1"}, headers=HTML)
    assert answer.status_code == 403
    assert "Nothing is picked" in (await scene.post("/operations/replay")).text


@pytest.mark.parametrize("cause", ["failed", "newer-version", "unreadable"])
async def test_an_alert_about_stranded_events_leads_to_them(scene: Scene, kafka_bootstrap: str, cause: str) -> None:
    await park(scene.at.door, scene.clinic_id, FAILS)
    letter, _ = await readable_letter(kafka_bootstrap, scene.clinic_id)
    whose: dict[str, Any] = {"clinic_id": scene.clinic_id, "patient_id": THE_CLINIC}
    told: dict[str, Any] = {"service": "progress", "cause": cause, "topic": "plan.ended", "noted_at": NOW}
    fact = EventsStranded(**whose, stranding_id="s", about=None if cause == "unreadable" else "p", **told)
    alert_id = alert_about(fact.event_id)
    kind: dict[str, Any] = {"kind": "events-stranded", "severity": "warning", "title": "t", "raised_at": NOW}
    raised = AlertRaised(**whose, alert_id=alert_id, **kind)
    await admit(scene.console, [raised, fact])
    shown = (await scene.client.get(f"/inbox/{alert_id}", headers=HTML)).text
    assert "plan.ended" in shown
    (place,) = re.findall(r'href="(/operations/stranded\?[^"]*)"', shown)
    listed = (await scene.client.get(place.replace("&amp;", "&"), headers=HTML)).text
    found = {one: one in listed for one in (f"progress:key:{scene.clinic_id}/p", letter)}
    assert list(found.values()) == [cause != "unreadable", cause == "unreadable"]
