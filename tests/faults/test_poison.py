"""Records that nobody can read, one of each kind: a dead letter each, byte for byte, and neighbours proceed."""

from collections.abc import Mapping

from shared.flow import dead_letter_topic
from tests.faults.harness import World, fault
from tests.faults.harness.writer import CLINIC
from tests.faults.raw import Headers, Raw, Record, put, raw_producer, records

_LARGEST = 262_144 - 200
"""Bytes of the value of about the largest record that Kafka takes; its dead letter is larger still."""


def corpus(world: World) -> Mapping[str, tuple[str, Raw]]:
    """Per name, the code that its dead letter has to carry and the record."""
    kind = ("ce_type", world.sent.wire_type().encode())
    good = world.sent(clinic_id=CLINIC, patient_id="poison", number=0).document

    def with_value(value: bytes | None, key: bytes | None = b"ledger/poison") -> Raw:
        return Raw(value, (kind, ("ce_id", b"an-id"), ("other", b"\x00\x01")), key)

    def with_headers(*headers: tuple[str, bytes | None]) -> Raw:
        return Raw(good, headers)

    return {
        "not JSON": ("bad-value", with_value(b"{not json")),
        "cut off": ("bad-value", with_value(good[:-5])),
        "empty": ("bad-value", with_value(b"")),
        "not UTF-8": ("bad-value", with_value(good.replace(b"poison", b"\xff\xfe\xfd"))),
        "NaN": ("bad-value", with_value(good.replace(b'"number":0', b'"number":NaN'))),
        "infinite": ("bad-value", with_value(good.replace(b'"number":0', b'"number":1e400'))),
        "endless digits": ("bad-value", with_value(good.replace(b'"number":0', b'"number":' + b"9" * 5000))),
        "surrogate": ("bad-value", with_value(good.replace(b"poison", b"\\ud800"))),
        "NUL": ("bad-value", with_value(good.replace(b"poison", b"\\u0000"))),
        "tombstone": ("bad-value", with_value(None)),
        "nothing at all": ("bad-value", with_value(None, None)),
        "empty key": ("bad-value", with_value(b"?", b"")),
        "null key": ("bad-value", with_value(b"?", None)),
        "missing field": ("bad-value", with_value(b'{"clinic_id":"c"}')),
        "no object": ("bad-value", with_value(b"[1]")),
        "deep": ("bad-value", with_value(b"[" * 100_000)),
        "deep in an unknown field": ("bad-value", with_value(good[:-1] + b',"x":' + b'{"x":' * 30_000)),
        "XML": ("bad-value", Raw(b"<a/>", (kind, ("ce_id", b"1"), ("content-type", b"application/xml")))),
        "as large as can be": ("bad-value", with_value(b"x" * _LARGEST)),
        "header not UTF-8": ("bad-header", with_headers(kind, ("ce_id", b"\xff\xfe"))),
        "null header": ("no-id", with_headers(kind, ("ce_id", None))),
        "no id": ("no-id", with_headers(kind)),
        "empty id": ("no-id", with_headers(kind, ("ce_id", b""))),
        "NUL in the id": ("bad-id", with_headers(kind, ("ce_id", b"a\x00b"))),
        "NUL in the source": ("bad-id", with_headers(kind, ("ce_id", b"1"), ("ce_source", b"\x00"))),
        "endless id": ("bad-id", with_headers(kind, ("ce_id", b"i" * 20_000))),
        "no headers": ("unknown-type", with_headers()),
        "no type": ("unknown-type", with_headers(("ce_id", b"1"))),
        "unknown type": ("unknown-type", with_headers(("ce_type", b"clinic.moon.landed.v1"), ("ce_id", b"1"))),
        "version 0": ("unknown-type", with_headers((kind[0], kind[1][:-1] + b"0"), ("ce_id", b"1"))),
    }


def mark(name: str) -> tuple[str, bytes]:
    return "case", name.encode()


def original(letter: Record) -> tuple[bytes | None, bytes | None, Headers]:
    headers = tuple((name, value) for name, value in letter.headers if not name.startswith("dlq-"))
    return letter.key, letter.value, headers


@fault("poison", fast=True)
async def test_each_poison_becomes_one_dead_letter_and_neighbours_proceed(world: World) -> None:
    """Bad JSON, headers, ids, types, sizes; each between two events that are fine."""
    poison = corpus(world)
    async with world.replicas(2), raw_producer(world.bootstrap) as producer:
        await world.write(20)
        for name, (_, raw) in poison.items():
            await put(producer, world.sent.NAME, Raw(raw.value, (*raw.headers, mark(name)), raw.key))
            await world.write(4, window=4)
        await world.quiet()
    topic = dead_letter_topic(world.name, world.sent.NAME)
    letters = await records(world.bootstrap, topic)
    found = {dict(letter.headers)["case"]: letter for letter in letters}
    assert len(letters) == len(found), "a poison has two dead letters"
    codes = {name.decode(): dict(letter.headers)["dlq-code"] for name, letter in found.items() if name}
    assert codes == {name: code.encode() for name, (code, _) in poison.items()}
    for name, (_, raw) in poison.items():
        assert original(found[name.encode()]) == (raw.key, raw.value, (*raw.headers, mark(name))), name


@fault("newer-version", fast=True)
async def test_an_event_of_a_newer_version_is_parked_and_no_dead_letter(world: World) -> None:
    """It can be read after the next update."""
    world.may_park = True
    fact = world.writer.next(patient="newer")
    newer = world.sent.wire_type().removesuffix("v1") + "v9"
    headers = (("ce_type", newer.encode()), ("ce_id", b"newer"))
    async with world.replicas(1), raw_producer(world.bootstrap) as producer:
        await put(producer, world.sent.NAME, Raw(fact.document, headers, fact.key.encode()))
        await world.write(40)
        await world.quiet()
    assert not await records(world.bootstrap, dead_letter_topic(world.name, world.sent.NAME))
    await world.judge()
    assert world.verdict.parked == 1


@fault("header-name", fast=True)
async def test_a_header_whose_name_is_no_text_holds_up_nobody(world: World) -> None:
    """The Kafka client can't read such a record, nor, left alone, anything behind it in any topic."""
    fact = world.writer.next(patient="odd")
    headers = (("ce_type", world.sent.wire_type().encode()), ("ce_id", b"odd"))
    async with world.replicas(1), raw_producer(world.bootstrap) as producer:
        await world.write(40)
        raw = Raw(fact.document, headers, fact.key.encode(), header_name=b"\xff\xfe")
        await put(producer, world.sent.NAME, raw)
        await world.write(40)
        await world.quiet()
