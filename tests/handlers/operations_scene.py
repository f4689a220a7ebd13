"""A service whose operations are served over HTTP, for whoever has a pass by the token file of a folder."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI

from shared.messaging import wire
from shared.messaging.door import Door
from shared.messaging.operations import Operations
from shared.messaging.replay_run import Desk
from shared.tokens import Tokens
from tests.handlers.serving import serving
from tests.messaging.stranding import healed


@dataclass
class Operated:
    """The service behind `door`; its handlers fail until `mend_the_cause`."""

    door: Door
    operations: Operations
    url: str

    def mend_the_cause(self) -> None:
        self.operations.desk = Desk(healed(self.door), wire.decode)

    @property
    def services(self) -> str:
        """As `STRIDE_SERVICES` has it; intake is away."""
        return f"progress={self.url},intake=http://127.0.0.1:1"


async def _no_problems() -> list[str]:
    return []


@asynccontextmanager
async def operated(door: Door, kafka_bootstrap: str, folder: Path) -> AsyncGenerator[Operated]:
    """Served until the end of the block."""
    app = FastAPI()
    operations = Operations(
        Desk(door, wire.decode), kafka_bootstrap, lambda: Tokens.load(folder / "tokens.json"), _no_problems
    )
    operations.add_routes(app)
    async with serving(app) as url:
        yield Operated(door, operations, url)
