"""Servers of the faults' own (they get killed), one nursery, and a world for each fault."""

import os
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from stride.embedded import kafka
from stride.embedded.ports import free_port
from stride.embedded.servers import Servers
from tests.faults.harness import Verdict, World
from tests.faults.harness.replica import Nursery

SEED = int(os.environ.get("STRIDE_FAULT_SEED", "20261124"))


_SETTINGS = {
    "group.min.session.timeout.ms": "1000",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def fault_servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Servers]:
    """Servers that may be killed, frozen and restarted; Kafka gives up dead members soon and heeds ACLs."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _SETTINGS.items():
            patch.setitem(vars(kafka)["_SETTINGS"], name, value)
        port = free_port(set())
        door = kafka.SideDoor(port, advertised=free_port({port}))
        async with Servers(tmp_path_factory.mktemp("faults"), durable=False, side_door=door) as servers:
            yield servers


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def nursery(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Nursery]:
    """Forks replicas."""
    async with Nursery(tmp_path_factory.mktemp("nursery")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def world(
    request: pytest.FixtureRequest, fault_servers: Servers, nursery: Nursery, tmp_path: Any
) -> AsyncGenerator[World]:
    """A ledger service of its own name; its verdict goes into the report."""
    verdict = Verdict(fault=request.node.name, seed=SEED)
    world = World(fault_servers, nursery, tmp_path, verdict)
    await world.open()
    request.node.user_properties.append(("verdict", verdict))
    yield world
    await world.close()
