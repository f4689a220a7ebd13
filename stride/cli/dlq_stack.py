"""What `stride dlq` works on: the stack of a home, or the servers that the environment names."""

import os
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import asyncpg
from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.database import driver_url, open_engine, role_of
from shared.flow import FLOW
from shared.messaging.desks import open_desk
from shared.messaging.replay_run import Desk
from shared.messaging.service import Service
from shared.settings import ConfigurationInvalid, Settings, load_settings
from stride.cli import exits
from stride.embedded.addresses import Addresses, External
from stride.embedded.home import Home

_MAY_SEE = text("SELECT rolname FROM pg_roles WHERE pg_has_role(rolname, 'MEMBER') AND rolname = ANY(:roles)")


class NoStack(Exception):
    """Nothing runs that could be asked."""

    exit_code = exits.UNAVAILABLE


class NotSeen(Exception):
    """The login may not see a service's schema, or there is none."""

    exit_code = exits.CONFIGURATION


@dataclass(frozen=True, slots=True)
class Reach:
    """The services whose schemas can be seen, and how to get at them."""

    settings: Settings
    engines: Mapping[str, AsyncEngine]

    @property
    def unseen(self) -> list[str]:
        """Services that this login may not see: a service's own login sees that service only."""
        return [service for service in FLOW if service not in self.engines]

    def desks(self, services: Iterable[str]) -> tuple[dict[str, Desk], dict[str, str]]:
        """Each service with its handlers, store and decoders; and why some have none: a file is missing or wrong."""
        desks: dict[str, Desk] = {}
        closed: dict[str, str] = {}
        for name in services:
            try:
                desks[name] = open_desk(_service(name), self.settings, self.engines[name])
            except ConfigurationInvalid as error:
                closed[name] = str(error)
        return desks, closed


def settings_of(home: Path) -> Settings:
    """The environment's servers first, as for every command; then those of the stack that runs from `home`.

    Raises:
        NoStack: the environment does not name both, and nothing runs from `home`.
        ConfigurationInvalid: a variable is malformed.
    """
    given = External.from_environment(os.environ)
    if given.kafka_bootstrap and given.database_url:
        return load_settings()
    running = (home / "lock").exists() and Home(home).is_locked()
    saved = Addresses.load(home) if running else None
    if saved is None:
        raise NoStack(
            f"No stack runs from {home}. Start it with `stride up --home {home}`, say --home of one that runs, "
            "or set both DATABASE_URL and KAFKA_BOOTSTRAP."
        )
    return Settings(
        kafka_bootstrap=given.kafka_bootstrap or saved.kafka_bootstrap,
        database_url=given.database_url or saved.database_url,
        database_password=os.environ.get("DATABASE_PASSWORD", "") if given.database_url else "",
        stride_tokens=saved.tokens,
    )


@asynccontextmanager
async def reach(home: Path, service: str = "") -> AsyncGenerator[Reach]:
    """The stack, with an engine of each service that the login may see.

    Raises:
        NoStack: PostgreSQL does not answer.
        NotSeen: the login may not see `service`, or no service at all.
    """
    settings = settings_of(home)
    seen = await _seen(settings.resolved_database_url)
    if not seen or service not in ("", *seen):
        raise NotSeen(
            f"This database login may not see {service or 'any service'}: its schema is not prepared, or belongs "
            f"to another login. It sees: {', '.join(seen) or 'none'}."
        )
    engines = {name: open_engine(settings.resolved_database_url, name, pool_size=2) for name in seen}
    try:
        yield Reach(settings, engines)
    finally:
        for engine in engines.values():
            await engine.dispose()


async def _seen(database_url: str) -> list[str]:
    engine = create_async_engine(driver_url(database_url), connect_args={"timeout": 5})
    try:
        async with engine.connect() as connection:
            roles = set(await connection.scalars(_MAY_SEE, {"roles": [role_of(name) for name in FLOW]}))
    except (OSError, TimeoutError, SQLAlchemyError, asyncpg.PostgresError) as error:
        url = make_url(database_url)
        where = f"{url.host}:{url.port or 5432}/{url.database}"
        raise NoStack(
            f"PostgreSQL at {where} can't be used ({type(error).__name__}). `stride doctor` tells more."
        ) from None
    finally:
        await engine.dispose()
    return [name for name in FLOW if role_of(name) in roles]


def _service(name: str) -> Service:
    # Only when it is needed: a service brings half of its libraries along.
    service = import_module(f"services.{name}.main").SERVICE
    assert isinstance(service, Service)
    return service
