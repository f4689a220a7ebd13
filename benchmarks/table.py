"""The figures as a table for people: each beside its reference and its goal."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from benchmarks.lines import Line, at_least, drawn

_OF_BARE, _OF_USUAL, _INTAKE, _LATENCY, _GROWTH = 0.6, 40, 0.5, 1.5, 0.9


def table(found: Mapping[str, Any]) -> Table:
    """All figures that were measured."""
    return drawn("stride bench", lines(found))


def lines(found: Mapping[str, Any]) -> Iterator[Line]:
    """The rows, section by section."""
    for name, section in _SECTIONS.items():
        if name in found:
            yield from section(found[name])


def _throughput(found: Mapping[str, Any]) -> Iterator[Line]:
    for service, each in found.items():
        held = service in ("progress", "notifications")
        yield Line(f"throughput {service}", f"{each['per_s']:,.0f}/s")
        yield at_least("  of bare loop (a)", each["of_bare"], _OF_BARE if held else None)
        if "of_usual" in each:
            yield at_least("  times usual handler (b)", each["of_usual"], _OF_USUAL if held else None)


def _intake(found: Mapping[str, Any]) -> Iterator[Line]:
    for kind, each in found.items():
        yield Line(f"HTTP intake, {kind}", f"{each['per_s']:,.0f}/s", f"{each['bare_per_s']:,.0f}/s")
        yield at_least("  of a bare endpoint", each["of_bare"], _INTAKE)


def _latency(found: Mapping[str, Any]) -> Iterator[Line]:
    for name, ratio in (("p50", found["of_bare"]), ("p95", found["of_bare_p95"])):
        goal = _LATENCY if name == "p50" else None
        yield Line(
            f"request to milestone, {name}",
            f"{found[f'{name}_ms']:.1f} ms = {ratio:.2f}",
            f"{found[f'bare_{name}_ms']:.1f} ms",
            f"<= {goal}" if goal else "",
            None if goal is None else bool(ratio <= goal),
        )


def _growth(found: Mapping[str, Any]) -> Iterator[Line]:
    stored = f"{found['courses']:,} courses, {found['inbox_rows']:,} inbox rows"
    yield Line(f"growth: {stored}", f"{found['large_per_s']:,.0f}/s", f"{found['small_per_s']:,.0f}/s")
    yield at_least(f"  of that with {found['few_courses']:,} courses", found["of_small"], _GROWTH)
    yield at_least("  each event another patient", found["spread_of_small"], None)


def _memory(found: Mapping[str, Any]) -> Iterator[Line]:
    for service, each in found.items():
        yield Line(
            f"memory {service} over {each['events']:,} events",
            f"{each['last_mb']:.0f} MB",
            f"{each['mb_per_million_events']:+.1f} MB a million",
            "flat" if each["flat"] is not None else "too short to tell",
            each["flat"],
        )


def _scaling(found: Mapping[str, Any]) -> Iterator[Line]:
    for size, each in found.items():
        yield Line(f"processes in a group: {size}", f"{each['per_s']:,.0f}/s", f"{each['of_one']:.2f} of one")


def _peer(found: Mapping[str, Any]) -> Iterator[Line]:
    if not found["installed"]:
        yield Line(f"peer {found['name']}", "not installed", found["install"])
        return
    yield Line(f"peer {found['name']}", f"{found['per_s']:,.0f}/s", f"stride {found['of_peer']:.2f} of it")


def _costs(found: Mapping[str, Any]) -> Iterator[Line]:
    for service, each in [*found["services"].items(), ("progress, 100 events a patient", found["long_history"])]:
        cpu = "Python {python_us:,.0f} + PostgreSQL {postgres_us:,.0f} + Kafka {kafka_us:,.0f} µs".format_map(each)
        kept = "{published} published, {database_bytes:,} B stored, {kafka_bytes_published:,} B to Kafka".format_map(
            each
        )
        yield Line(f"one event in {service}", cpu, kept)
    for what, figure in found["scale"].items():
        yield Line(f"100 million events a day: {what.replace('_', ' ')}", f"{figure:,}")


_SECTIONS = {
    "throughput": _throughput,
    "intake": _intake,
    "latency": _latency,
    "growth": _growth,
    "memory": _memory,
    "scaling": _scaling,
    "peer": _peer,
    "costs": _costs,
}
