"""Real servers for the tests: one PostgreSQL, one Kafka and one mail inbox for the whole run."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import open_engine
from shared.ids import random_id
from shared.messaging.topics import provision
from shared.schemas import prepare_schemas
from stride.embedded.addresses import Addresses
from stride.embedded.servers import Servers


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Servers]:
    """The running servers; a test that restarts one must wait until it is ready again."""
    async with Servers(tmp_path_factory.mktemp("stack"), durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def addresses(servers: Servers) -> Addresses:
    """Where the servers are."""
    return servers.addresses


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database_url(addresses: Addresses) -> str:
    """A PostgreSQL whose schemas are migrated."""
    await prepare_schemas(addresses.database_url)
    return addresses.database_url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kafka_bootstrap(addresses: Addresses) -> str:
    """A Kafka whose topics exist."""
    await provision(addresses.kafka_bootstrap)
    return addresses.kafka_bootstrap


@pytest.fixture
def clinic_id() -> str:
    """A clinic that no other test uses."""
    return f"clinic-{random_id()[:8]}"


@pytest_asyncio.fixture(loop_scope="session")
async def progress_engine(database_url: str) -> AsyncGenerator[AsyncEngine]:
    """An engine that works as the progress service."""
    engine = open_engine(database_url, "progress")
    yield engine
    await engine.dispose()
