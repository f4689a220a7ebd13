"""Connections to PostgreSQL. Each service works in its own schema, under its own role."""

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

TRANSIENT_STATES = ("08", "40001", "40P01", "53", "55P03", "57P", "58")
"""SQLSTATE prefixes after which the same work may succeed: connection, deadlock, resources, shutdown."""

CONFLICT_STATES = ("23P01",)
"""SQLSTATE prefixes that mean someone else took what we wanted: decide again on fresh state."""


def role_of(service: str) -> str:
    """The PostgreSQL role that `service` works under."""
    return f"stride_{service}"


def driver_url(database_url: str) -> URL:
    """The URL with our driver, whatever driver it named."""
    return make_url(database_url).set(drivername="postgresql+asyncpg")


def open_engine(database_url: str, service: str, *, pool_size: int = 8) -> AsyncEngine:
    """An engine whose connections can see and touch only the schema of `service`."""
    return create_async_engine(
        driver_url(database_url),
        pool_size=pool_size,
        pool_pre_ping=True,
        connect_args={
            "timeout": 5,
            "command_timeout": 60,
            "server_settings": {
                "role": role_of(service),
                "search_path": service,
                "application_name": f"stride-{service}",
            },
        },
    )


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE behind an error, or nothing where it did not come from PostgreSQL."""
    original = getattr(error, "orig", error)
    state = getattr(original, "sqlstate", None) or getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else ""
