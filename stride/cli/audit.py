"""`stride audit`: whether the console's audit trail is as it was written."""

import asyncio
from typing import Any

import typer
from sqlalchemy.exc import SQLAlchemyError

from services.console.domain.audit import broken
from services.console.store import audit as trail
from shared.database import open_engine
from shared.messaging.errors import Unavailable
from shared.messaging.transactions import begin
from stride.cli import exits
from stride.cli.dlq_stack import NoStack, settings_of
from stride.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from stride.cli.output import Output

audit = typer.Typer(
    name="audit", help="Checks the audit trail of the console.", no_args_is_help=True, add_completion=False
)


@audit.callback()
def _trails() -> None:
    """Keeps `verify` a subcommand."""


@audit.command()
def verify(*, home: HomeOption = DEFAULT_HOME, json: JsonOption = False) -> int:
    """Checks every clinic's chain: an entry that was changed, removed or put in later breaks it."""
    output = Output(as_json=json)
    try:
        chains = asyncio.run(_check(settings_of(home).resolved_database_url))
    except (NoStack, Unavailable, SQLAlchemyError, OSError):
        output.error("The database does not answer: start the stack, or set DATABASE_URL.", exits.UNAVAILABLE)
        return exits.UNAVAILABLE
    for one in chains:
        wrong = "; ".join(one["broken"])
        output.human.print(
            f"{one['clinic_id']}: {one['entries']} entries, {wrong or 'the chain holds'}", highlight=False
        )
    if json:
        output.result({"clinics": chains})
    return exits.FAILED if any(one["broken"] for one in chains) else exits.OK


async def _check(database_url: str) -> list[dict[str, Any]]:
    engine = open_engine(database_url, "console", pool_size=1)
    try:
        async with begin(engine) as tx:
            return [await _chain(tx, clinic_id) for clinic_id in await trail.clinics(tx)]
    finally:
        await engine.dispose()


async def _chain(tx: Any, clinic_id: str) -> dict[str, Any]:
    entries = [one async for some in trail.chain(tx, clinic_id) for one in some]
    found = [f"entry {one.number} {one.reason}" for one in broken(entries)]
    return {"clinic_id": clinic_id, "entries": len(entries), "last_hash": entries[-1].hash, "broken": found}
