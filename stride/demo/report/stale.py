"""Did anybody get a message about an appointment that was no longer so?

Judged by the log of appointment facts: what a message told must be the newest version published
by then. Where both happened at the same standing-still clinic time, the machine's time decides,
with a second and a half in hand for the way from the log to the sender.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.events.scheduling import AppointmentBooked, AppointmentFact, AppointmentMoved
from stride.demo.report.look import Facts
from stride.demo.report.mail import Mail
from stride.demo.watch import Seen

_ON_THE_WAY_SECONDS = 1.5

Versions = Mapping[str, Sequence[tuple[Seen, AppointmentFact]]]


def stale(facts: Facts, deliveries: Sequence[Any], mails: Sequence[Mail]) -> list[str]:
    """What was told to patients and was not so when it was sent."""
    arrived = {mail.delivery_id: mail for mail in mails}
    versions = facts.appointments()
    return [
        f"{row['topic']} to {row['patient_id']}: {complaint}"
        for row in deliveries
        if row["delivery_id"] in arrived and row["recipient"] == "patient" and row["accepted_at"] is not None
        for told in json.loads(row["told"] or "[]")
        for complaint in _complaints(told, versions, row["accepted_at"], arrived[row["delivery_id"]].received_at)
    ]


def _complaints(told: Any, versions: Versions, sent: datetime, received: float) -> Iterator[str]:
    appointment_id, version, start, on = _read(told)
    published = versions.get(appointment_id, ())
    fact = next((fact for seen, fact in published if fact.appointment_version == version and seen.time <= sent), None)
    newer = [f for s, f in published if f.appointment_version > version and _known(s, sent, received)]
    if fact is None:
        yield f"{appointment_id} had no version {version} yet"
    elif newer:
        yield f"{appointment_id} was at version {newer[-1].appointment_version}, the message told version {version}"
    elif on and not isinstance(fact, AppointmentBooked | AppointmentMoved):
        yield f"{appointment_id} was called off"
    elif on and fact.start != start:
        yield f"{appointment_id} is at {fact.start}, the message told {start}"
    if on and start <= sent:
        yield f"{appointment_id} had begun at {start}, and the message went at {sent}"


def _known(seen: Seen, sent: datetime, received: float) -> bool:
    """Whether the sender could have known of a fact."""
    return seen.time < sent or (seen.time == sent and seen.written_at < received - _ON_THE_WAY_SECONDS)


def _read(told: Any) -> tuple[str, int, datetime, bool]:
    return told["appointment_id"], told["version"], datetime.fromisoformat(told["start"]), told["on"]
