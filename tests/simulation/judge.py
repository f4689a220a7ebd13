"""What a run did, held against what it was given: none lost (L), one effect (O), order per key (S)."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable

from shared.flow import dead_letter_topic
from tests.simulation.members import SERVICE
from tests.simulation.postgres.server import Commit, Row
from tests.simulation.scenario import Scenario
from tests.simulation.world import World

REPORT = "adverse_event.reported"


def faults(world: World) -> list[str]:
    """Every broken promise, each beginning with its letter; none is a good run."""
    found = [f"surprise: {surprise}" for surprise in world.loop.surprises]
    if not world.came_to_rest:
        found.append("L the run never came to rest")
    applied = {row["key"]: list(row["applied"]) for row in _rows(world, "ledger")}
    parked = _parked(world)
    found += _lost(world, applied, parked)
    found += _twice(world, applied, parked)
    found += _order(world.scenario, applied, parked)
    found += _overtaken(world)
    found += _published(world, applied)
    found += _repeated(world)
    found += _dead_letters(world)
    return found


def _lost(world: World, applied: dict[str, list[str]], parked: dict[str, list[str]]) -> Iterable[str]:
    expected = {(record.key, record.label) for record in world.scenario.records if record.label}
    expected |= {(asked.fact.key, asked.fact.natural_key) for asked in world.scenario.asked
                 if asked.fact.natural_key in world.accepted}  # fmt: skip
    there = {(key, label) for labels in (applied, parked) for key, found in labels.items() for label in found}
    yield from (f"L {label} of {key} is neither applied nor parked" for key, label in sorted(expected - there))
    known = {label for _, label in expected} | {asked.fact.natural_key for asked in world.scenario.asked}
    yield from (f"O {label} of {key} was never sent" for key, label in sorted(there) if label not in known)
    if world.scenario.replay_at_end:
        yield from (f"L {key} is still parked after the replay" for key in sorted(parked))


def _twice(world: World, applied: dict[str, list[str]], parked: dict[str, list[str]]) -> Iterable[str]:
    for key in sorted(applied.keys() | parked.keys()):
        counts = Counter([*applied.get(key, []), *parked.get(key, [])])
        yield from (f"O {label} of {key} has {count} effects" for label, count in counts.items() if count > 1)
    for row in _rows(world, "ledger"):
        if row["total"] != len(row["applied"]):
            yield f"O the sum of {row['key']} is {row['total']}, the reference says {len(row['applied'])}"
    written = Counter(
        (row["aggregatetype"], row["id"])
        for commit in world.server.history
        for table, _, row in commit.writes
        if table == "outbox" and row
    )
    yield from (f"O {event} was written to the outbox {count} times" for event, count in written.items() if count > 1)


def _order(scenario: Scenario, applied: dict[str, list[str]], parked: dict[str, list[str]]) -> Iterable[str]:
    """Per key and topic as first sent; what is parked comes after what is applied."""
    sent: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for record in scenario.records:
        if record.label:
            sent[(record.key, record.topic)].setdefault(record.label)
    for (key, topic), labels in sent.items():
        seen = [label for label in (*applied.get(key, ()), *parked.get(key, ())) if label in labels]
        if seen != [label for label in labels if label in seen]:
            yield f"S {topic} of {key}: sent {list(labels)}, seen {seen}"


def _overtaken(world: World) -> Iterable[str]:
    """While a key has parked events, nothing else of it is applied from Kafka."""
    waiting: dict[str, dict[Hashable, str]] = defaultdict(dict)
    states: dict[str, list[str]] = defaultdict(list)
    for commit in world.server.history:
        before = {key: list(rows.values()) for key, rows in waiting.items()}
        _follow(world, commit, waiting)
        for table, _, row in commit.writes:
            if table == "ledger" and row:
                new, states[row["key"]] = row["applied"][len(states[row["key"]]) :], row["applied"]
                ahead = [label for label in new if label.startswith("e") or label == "failing"]
                blocked = before.get(row["key"], [])
                if blocked and ahead and ahead != blocked[: len(ahead)]:
                    yield f"S {ahead} of {row['key']} overtook {blocked} at {commit.at:.3f} s ({commit.process})"


def _follow(world: World, commit: Commit, waiting: dict[str, dict[Hashable, str]]) -> None:
    labels = _labels(world.scenario)
    for table, position, row in commit.writes:
        if table != "parked":
            continue
        if row:
            waiting[row["key"]][position] = labels[row["event_id"]]
        else:
            for rows in waiting.values():
                rows.pop(position, None)


def _published(world: World, applied: dict[str, list[str]]) -> Iterable[str]:
    """Each effect is reported on Kafka; first occurrences stand in the order of the effects."""
    reported: dict[str, dict[str, None]] = defaultdict(dict)
    for record in world.broker.log.topic(REPORT):
        headers = {name: (value or b"").decode() for name, value in record.headers}
        reported[headers["ce_partitionkey"]].setdefault(headers["ce_subject"])
    for key in sorted(applied.keys() | reported.keys()):
        expected = [f"{number}:{label}" for number, label in enumerate(applied.get(key, []))]
        seen = list(reported.get(key, ()))
        if seen != expected:
            kind = "S" if sorted(seen) == sorted(expected) else "L" if set(seen) < set(expected) else "O"
            yield f"{kind} reports of {key}: {seen}, effects: {expected}"


def _repeated(world: World) -> Iterable[str]:
    """Where nothing went wrong, nothing is published twice."""
    if world.scenario.calm:
        counts = Counter(dict(record.headers)["ce_id"] for record in world.broker.log.topic(REPORT))
        yield from (f"O {event} was published {count} times" for event, count in counts.items() if count > 1)


def _dead_letters(world: World) -> Iterable[str]:
    """Each unreadable record is in its dead-letter topic, with its bytes."""
    for topic in sorted({record.topic for record in world.scenario.records}):
        unreadable = {r.offset for r in world.broker.log.topic(topic) if r.key == b"unreadable"}
        letters = world.broker.log.topic(dead_letter_topic(SERVICE, topic))
        found = {int(dict(letter.headers)["dlq-offset"] or b"-1") for letter in letters}
        if found != unreadable:
            yield f"L dead letters of {topic}: {sorted(found)}, unreadable: {sorted(unreadable)}"


def _parked(world: World) -> dict[str, list[str]]:
    labels = _labels(world.scenario)
    parked: dict[str, list[str]] = defaultdict(list)
    for row in sorted(_rows(world, "parked"), key=lambda row: row["position"]):
        parked[row["key"]].append(labels[row["event_id"]])
    return parked


def _labels(scenario: Scenario) -> dict[str, str]:
    """Labels by event id."""
    return {dict(r.headers)["ce_id"].decode(): r.label for r in scenario.records if r.label}  # pyright: ignore[reportOptionalMemberAccess]


def _rows(world: World, table: str) -> list[Row]:
    return list(world.server.tables[table].rows.values())
