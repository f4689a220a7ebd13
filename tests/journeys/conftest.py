"""One stack for all tests of rebuilding: the scenario takes longer than they do."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
import pytest_asyncio

from stride.cli.stack import stack_settings
from stride.demo.run import prepare_clock, run_scenario
from stride.embedded import External, Stack
from tests.journeys.rebuilds import Clinic
from tests.journeys.runs import SMALL, Quiet


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def clinic(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Clinic]:
    """A stack on which the small scenario has been lived through, and that runs on."""
    home = tmp_path_factory.mktemp("rebuilt")
    environment = {**prepare_clock(home), "STRIDE_SEND_LEASE_SECONDS": "6"}
    settings = replace(stack_settings(external=External()), durable=False, environment=environment)
    async with Stack(home, settings) as stack:
        await run_scenario(SMALL, home, stack.addresses, Quiet())
        yield Clinic(stack, home)
