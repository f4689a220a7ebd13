"""The demo from end to end: patients, clock, doors, days, report."""

import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from shared.clock import FileClock, wall_seconds
from stride.demo.clinic import Clinic
from stride.demo.doors import Doors, Tokens
from stride.demo.drain import Drain
from stride.demo.driver import Audience, Driver, Meanwhile, Pace
from stride.demo.patients import Patient, enrol
from stride.demo.report.summary import Report, report
from stride.demo.watch import Topics, all_topics
from stride.embedded import Addresses

START = datetime(2026, 1, 12, 0, 0, tzinfo=UTC)
"""A Monday. Twelve weeks on, both clinics have changed to summer time, on different days."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is simulated."""

    patients: int = 12
    days: int = 84
    seed: int = 1
    speed: float = 0.0
    """Simulated days a second at most; 0 for as fast as the stack drains."""

    protocol: str = ""
    """Whose patients all are; empty for every kind."""

    def enrol(self) -> list[Patient]:
        return enrol(self.seed, self.patients, START, self.days, self.protocol)


def clock_of(home: Path) -> Path:
    """Where the clock of the stack in `home` is."""
    return home.absolute() / "clock"


def prepare_clock(home: Path) -> Mapping[str, str]:
    """Make the clock that the services shall go by; returns the environment that tells them."""
    FileClock.create(clock_of(home), START)
    return {"STRIDE_CLOCK": str(clock_of(home))}


async def run_scenario(
    scenario: Scenario, home: Path, addresses: Addresses, audience: Audience, meanwhile: Meanwhile | None = None
) -> Report:
    """Run the scenario on a stack that is up and goes by the clock in `home`.

    Raises:
        NotDrained: the stack got stuck.
        NoAnswer: a door stayed closed.
    """
    # While Kafka restarts its client would fill the screen; what is pending the drain tells by itself.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    began = wall_seconds()
    patients = scenario.enrol()
    clinic = Clinic(patients)
    tokens = Tokens.read(addresses.tokens.with_name("tokens.txt"))
    pace = Pace(START, scenario.days, 1 / scenario.speed if scenario.speed else 0.0)
    async with AsyncExitStack() as opened:
        topics = await opened.enter_async_context(Topics.open(addresses.kafka_bootstrap, all_topics()))
        doors = await opened.enter_async_context(
            Doors.open(addresses.services["intake"], addresses.kafka_bootstrap, tokens)
        )
        drain = Drain(addresses.database_url, topics)
        opened.push_async_callback(drain.close)
        driver = Driver(
            clock=FileClock(clock_of(home)),
            clinic=clinic,
            doors=doors,
            topics=topics,
            drain=drain,
            audience=audience,
            meanwhile=meanwhile,
        )
        await driver.run(pace)
    return await report(patients, doors.ledger, addresses, seconds=wall_seconds() - began)
