"""Transactions whose failures say whether trying again makes sense."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database import TRANSIENT_STATES, sqlstate, swapped_away
from shared.messaging.errors import Swapped, Unavailable


@asynccontextmanager
async def begin(engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
    """A transaction that commits at the end of the block.

    Raises:
        Unavailable: PostgreSQL is away, restarting, or chose this transaction as a deadlock's
            victim: the same work may succeed later. Whether it was committed is unknown when the
            connection was lost during the commit; the inbox tells when the work comes again.
        Swapped: a rebuild has swapped the tables, and the connections knew the old ones; they are new by now.
    """
    try:
        async with engine.begin() as tx:
            yield tx
    except (OSError, TimeoutError, PoolTimeoutError) as error:
        raise Unavailable(type(error).__name__) from error
    except DBAPIError as error:
        if swapped_away(error):
            await engine.dispose()
            raise Swapped("the tables were swapped") from error
        state = sqlstate(error)
        if error.connection_invalidated or not state or state.startswith(TRANSIENT_STATES):
            raise Unavailable(state or type(error.orig).__name__) from error
        raise
