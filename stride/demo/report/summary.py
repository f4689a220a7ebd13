"""The report: figures for programs, a page for people, and which invariants were broken."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.clinics import load_clinics
from shared.events.intake import PlanCreated
from shared.events.scheduling import AppointmentBooked
from shared.settings import ROOT
from stride.demo.ledger import Ledger
from stride.demo.patients import Patient
from stride.demo.report.answers import count_answers, wrong_answers
from stride.demo.report.balance import lost
from stride.demo.report.calendar import outside_hours, overlaps, standing
from stride.demo.report.latency import latencies, percentiles
from stride.demo.report.look import Facts, look_at_topics
from stride.demo.report.mail import look_at_mail, twice
from stride.demo.report.stale import stale
from stride.demo.report.tables import Tables, look_at_tables
from stride.demo.report.verdicts import Verdicts, judge
from stride.embedded import Addresses

_SHOWN_PER_KIND = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """What `stride demo --json` prints. Counts, milliseconds in `latency_ms`, and wall seconds."""

    sent: int
    accepted: int
    refused: int
    repeats: int
    facts: dict[str, int]
    courses: int
    appointments: int
    overlaps: int
    sessions: int
    milestones: dict[str, int]
    retracted: int
    messages: dict[str, dict[str, int]]
    duplicate_messages: int
    stale_messages: int
    lost: int
    dead_letters: int
    parked: int
    latency_ms: dict[str, float | None]
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """The figures, and for each broken invariant what is wrong."""

    figures: Figures
    broken: dict[str, list[str]]
    verdicts: Verdicts
    facts: Facts
    tables: Tables


async def report(patients: Sequence[Patient], ledger: Ledger, addresses: Addresses, *, seconds: float) -> Report:
    """Look at everything from outside and judge it."""
    facts = await look_at_topics(addresses.kafka_bootstrap)
    tables = await look_at_tables(addresses.database_url)
    mails = await look_at_mail(addresses.mailbox)
    broken = {
        "lost": lost(ledger, facts, tables, mails),
        "overlaps": overlaps(standing(facts)),
        "outside_hours": outside_hours(standing(facts), load_clinics(ROOT / "clinics")),
        "duplicate_messages": list(twice(mails, tables.deliveries)),
        "stale_messages": stale(facts, tables.deliveries, mails),
        "parked": [f"{row['service']}: {row['topic']} {row['event_id']}: {row['reason']}" for row in tables.parked],
        "answers": list(wrong_answers(ledger)),
    }
    verdicts = judge(facts, {patient.patient_id: patient for patient in patients})
    figures = _figures(ledger, facts, tables, broken, verdicts, seconds)
    return Report(figures, {name: found for name, found in broken.items() if found}, verdicts, facts, tables)


def _figures(  # noqa: PLR0917  # what was seen, in one place
    ledger: Ledger, facts: Facts, tables: Tables, broken: dict[str, list[str]], verdicts: Verdicts, seconds: float
) -> Figures:
    answers = count_answers(ledger, facts)
    held = {(row["clinic_id"], row["session_id"]) for row in tables.sessions}
    voided = {(row["clinic_id"], row["record_id"]) for row in tables.voided}
    return Figures(
        sent=len(ledger.entries),
        accepted=answers["accepted"],
        refused=answers["refused"],
        repeats=answers["repeat"],
        facts=facts.per_topic(),
        courses=len(facts.of(PlanCreated)),
        appointments=len({fact.appointment_id for fact in facts.of(AppointmentBooked)}),
        overlaps=len(broken["overlaps"]),
        sessions=len(held - voided),
        milestones={"true": verdicts.true, "false": verdicts.false, "missed": verdicts.missed},
        retracted=verdicts.retracted,
        messages=_messages(tables),
        duplicate_messages=len(broken["duplicate_messages"]),
        stale_messages=len(broken["stale_messages"]),
        lost=len(broken["lost"]),
        dead_letters=facts.dead_letters,
        parked=len(broken["parked"]),
        latency_ms=percentiles(latencies(ledger, facts)),
        seconds=round(seconds, 1),
    )


def _messages(tables: Tables) -> dict[str, dict[str, int]]:
    count: dict[str, Counter[str]] = defaultdict(Counter)
    for row in tables.deliveries:
        count[row["topic"]][row["state"]] += 1
    return {topic: dict(sorted(states.items())) for topic, states in sorted(count.items())}


def show(console: Console, report: Report) -> None:
    """The report as a page for people."""
    console.print(_table(report.figures))
    for name, found in report.broken.items():
        console.print(Text(f"{name}: {len(found)}", style="bold red"))
        for line in found[:_SHOWN_PER_KIND]:
            console.print(Text(f"  {line}"), soft_wrap=True)
    if not report.broken:
        console.print(Text("All invariants hold.", style="bold green"))


def _table(figures: Figures) -> Table:
    table = Table(title="What came of it", title_justify="left", show_header=False)
    rows: list[tuple[str, Any]] = [
        (
            "Handed in",
            f"{figures.sent}: {figures.accepted} accepted, {figures.repeats} repeats, {figures.refused} refused",
        ),
        ("Courses", figures.courses),
        ("Appointments", f"{figures.appointments}, {figures.overlaps} overlaps"),
        ("Sessions held", figures.sessions),
        ("Milestones", ", ".join(f"{count} {name}" for name, count in figures.milestones.items())),
        ("Retracted", figures.retracted),
        *(
            (f"Messages: {topic}", ", ".join(f"{count} {state}" for state, count in states.items()))
            for topic, states in figures.messages.items()
        ),
        ("Duplicate, stale messages", f"{figures.duplicate_messages}, {figures.stale_messages}"),
        ("Lost, parked, dead letters", f"{figures.lost}, {figures.parked}, {figures.dead_letters}"),
        ("From 202 to staff alert", ", ".join(f"{name} {value} ms" for name, value in figures.latency_ms.items())),
        ("Seconds", figures.seconds),
    ]
    for name, value in rows:
        table.add_row(name, str(value))
    return table
