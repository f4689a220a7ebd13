"""What one seed chooses: traffic, members, faults and when they come."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from shared.events.base import Fact
from shared.events.intake import MeasurementVoided, PlanEnded, SessionVoided
from shared.messaging import wire
from tests.simulation.kafka.log import Headers

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CLINIC = "clinic"
TRAFFIC_SECONDS = 6.0
_POISON = ("transferred", "deceased", "withdrawn")
_ACTIONS = ("join", "leave", "pause", "kill", "postgres", "cut", "kafka", "refuse", "lossy", "wipe", "replay")
_USURPING = ("join", "pause", "kafka", "wipe", "wipe", "replay")
_CALM = frozenset({"join", "replay", "wipe"})


@dataclass(frozen=True, slots=True)
class Planned:
    """A record that a source will put into a topic, maybe more than once; `label` is empty where unreadable."""

    at: float
    topic: str
    key: str
    label: str
    value: bytes
    headers: Headers


@dataclass(frozen=True, slots=True)
class Asked:
    """An event that a client will hand in over HTTP until it is told that it is in."""

    at: float
    fact: Fact


@dataclass(frozen=True, slots=True)
class Action:
    """A fault or a change of the deployment: when it comes and, where that matters, how long it lasts."""

    at: float
    name: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run. `crashes` are the numbers of the members' steps at which the member at work is killed."""

    name: str
    """How the command line calls it: `--seed 4711` or `--small 1x3`."""
    seed: int
    members: int
    partitions: int
    batch: int
    records: tuple[Planned, ...]
    asked: tuple[Asked, ...] = ()
    actions: tuple[Action, ...] = ()
    crashes: frozenset[int] = field(default_factory=frozenset)
    read_again: bool = False
    """At the end, forget the inbox and the group's offsets and read everything once more."""
    replay_at_end: bool = False
    """At the end, take up what is parked with a release that can deal with it."""

    @property
    def calm(self) -> bool:
        """Whether nothing happens that gives a relay a reason to publish twice."""
        return not self.crashes and {action.name for action in self.actions} <= _CALM


def drawn(seed: int) -> Scenario:
    """The scenario of a seed."""
    random = Random(f"scenario-{seed}")
    storm = random.random() < 0.3
    keys = random.randint(1, 2 if storm else 5)
    return Scenario(
        name=f"--seed {seed}",
        seed=seed,
        members=random.randint(1, 3),
        partitions=random.randint(1, 4),
        batch=random.choice((1, 2, 5, 20)),
        records=_records(random, keys, random.randint(20, 40) if storm else random.randint(6, 30)),
        asked=tuple(
            Asked(
                random.uniform(0, TRAFFIC_SECONDS), _fact(SessionVoided, f"patient-{random.randrange(keys)}", f"h{n}")
            )
            for n in range(random.choice((0, 0, 3, 6)))
        ),
        actions=_storm(random) if storm else _actions(random),
        crashes=frozenset(random.sample(range(1_500), random.choice((0, 1, 2, 5)))),
        read_again=random.random() < 0.4,
        replay_at_end=random.random() < 0.6,
    )


def small(*, members: int, events: int, poison: bool = True) -> Scenario:
    """A scenario without faults, small enough to crash it at every await. Crashes come with `replace`."""
    labels = [(f"e{n}", f"patient-{n % 2}") for n in range(events)]
    records = [
        _record(0.0, _fact((PlanEnded, SessionVoided)[n % 2], key, label), label)
        for n, (label, key) in enumerate(labels)
    ]
    if poison:
        failing = _fact(PlanEnded, "patient-1", "failing", "transferred")
        records = [records[0], _record(0.0, failing, "failing"), *records[1:], _unreadable(0.0)]
    name = f"--small {members}x{events}{'' if poison else 'x'}"
    return Scenario(name, 0, members, 1, 20, tuple(records), replay_at_end=poison)


def named_small(sizes: str) -> Scenario:
    """The small scenario that `--small` names: members, events and, with a second x, no poison."""
    members, events, *plain = sizes.split("x")
    return small(members=int(members), events=int(events), poison=not plain)


def _records(random: Random, keys: int, events: int) -> tuple[Planned, ...]:
    poisoned = {random.randrange(events) for _ in range(random.choice((0, 1, 2)))}
    planned: list[Planned] = []
    for number, at in enumerate(sorted(random.uniform(0, TRAFFIC_SECONDS) for _ in range(events))):
        key, label = f"patient-{random.randrange(keys)}", f"e{number}"
        kind = PlanEnded if number in poisoned else random.choice((PlanEnded, SessionVoided, MeasurementVoided))
        fact = _fact(kind, key, label, random.choice(_POISON) if number in poisoned else "completed")
        record = _record(at, fact, label)
        planned.append(record)
        if random.random() < 0.2:
            again = at + random.choice((0.0, 0.01, random.uniform(0, TRAFFIC_SECONDS)))
            planned.append(_record(again, fact, label))
    planned += [_unreadable(random.uniform(0, TRAFFIC_SECONDS)) for _ in range(random.choice((0, 0, 1, 3)))]
    return tuple(sorted(planned, key=lambda record: record.at))


def _actions(random: Random) -> tuple[Action, ...]:
    actions = [
        Action(random.uniform(0, TRAFFIC_SECONDS), random.choice(_ACTIONS), random.choice((0.1, 1.0, 5.0, 14.0, 35.0)))
        for _ in range(random.choice((0, 1, 2, 4, 8)))
    ]
    return tuple(sorted(actions, key=lambda action: action.at))


def _storm(random: Random) -> tuple[Action, ...]:
    """Members that are taken for dead and are not: two of them often have the same records in hand."""
    moments = sorted(random.uniform(0, TRAFFIC_SECONDS) for _ in range(12))
    return tuple(Action(at, random.choice(_USURPING), random.choice((0.1, 0.5, 2.5))) for at in moments)


def _fact(kind: type[Fact], patient: str, label: str, reason: str = "completed") -> Fact:
    names: dict[type[Fact], tuple[str, str]] = {
        PlanEnded: ("plan_id", "ended_at"),
        SessionVoided: ("session_id", "voided_at"),
    }
    identifier, moment = names.get(kind, ("measurement_id", "voided_at"))
    fields = {"clinic_id": CLINIC, "patient_id": patient, identifier: label, moment: NOW, "reason": reason}
    return kind.model_validate(fields)


def _record(at: float, fact: Fact, label: str) -> Planned:
    headers = wire.encode_headers(fact, source="intake", time=NOW, correlation_id="", causation_id="")
    packed = tuple((name, value.encode()) for name, value in headers.items())
    return Planned(at, fact.NAME, fact.key, label, fact.document, packed)


def _unreadable(at: float) -> Planned:
    return Planned(at, PlanEnded.NAME, "unreadable", "", b"{not json", (("ce_id", b"\xff"),))
