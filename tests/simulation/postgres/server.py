"""The server: committed rows, transactions over them, and what clients' deaths and restarts do."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulation.loop import Process, VirtualLoop
from tests.simulation.postgres.locks import Abandoned, Locks

EPOCH = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Row = dict[str, Any]


class Rejected(Exception):
    """A statement's error, with the SQLSTATE that PostgreSQL gives."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


@dataclass(eq=False, slots=True)
class Table:
    """Rows by primary key; `next_position` is its identity column, given out whether committed or not."""

    name: str
    rows: dict[Hashable, Row] = field(default_factory=dict)
    next_position: int = 1


@dataclass(frozen=True, slots=True)
class Commit:
    """One committed transaction, for the judge: each write as (table, key, row or None)."""

    process: str
    at: float
    writes: tuple[tuple[str, Hashable, Row | None], ...]


class Server:
    """Tables, locks and open transactions."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.process = loop.process("postgres")
        self.locks = Locks()
        self.tables = {name: Table(name) for name in ("inbox", "applied_offset", "outbox", "parked", "ledger")}
        self.open: list[Backend] = []
        self.history: list[Commit] = []
        self.up = True

    def now(self) -> datetime:
        """The simulated time of day."""
        return EPOCH + timedelta(seconds=self.loop.time())

    def connect(self, client: Process) -> "Backend":
        """A new transaction for `client`.

        Raises:
            ConnectionRefusedError: the server is down.
        """
        if not self.up:
            raise ConnectionRefusedError
        backend = Backend(self, client)
        self.open.append(backend)
        return backend

    def crash(self) -> None:
        """As a crash and restart: what is committed stays, every open transaction is gone."""
        self.up = False
        for backend in list(self.open):
            backend.cut()

    def restart(self) -> None:
        """Accept connections again."""
        self.up = True


class Backend:
    """One transaction, READ COMMITTED: each statement sees what is committed when it begins, and its own writes."""

    def __init__(self, server: Server, client: Process) -> None:
        self.server = server
        self.client = client
        self.writes: dict[tuple[str, Hashable], Row | None] = {}
        self.alive = True
        self.busy = False
        self.failed = False
        self._hung_up = False

    def rows(self, table: str) -> Iterator[tuple[Hashable, Row]]:
        """What this transaction sees in `table` now, committed rows first."""
        for key, row in self.server.tables[table].rows.items():
            if (table, key) not in self.writes:
                yield key, row
        for (name, key), written in self.writes.items():
            if name == table and written is not None:
                yield key, written

    def row(self, table: str, key: Hashable) -> Row | None:
        """One row, or none."""
        if (table, key) in self.writes:
            return self.writes[(table, key)]
        return self.server.tables[table].rows.get(key)

    async def lock_row(self, table: str, key: Hashable) -> bool:
        """Wait for whoever is writing the row; tells whether the lock is new."""
        if (table, key) in self.writes:
            return False
        await self.lock((table, key))
        return True

    async def lock(self, name: Hashable) -> None:
        """Wait for a lock that is held until the end.

        Raises:
            Abandoned: the transaction was ended meanwhile; the dead take no locks.
        """
        if self.alive:
            await self.server.locks.acquire(self, name)
        if not self.alive:
            self.server.locks.release_all(self)
            raise Abandoned

    def unlock_row(self, table: str, key: Hashable) -> None:
        """The row was not written after all."""
        self.server.locks.release(self, (table, key))

    def write(self, table: str, key: Hashable, row: Row | None) -> None:
        """Set or (with None) delete a row; the caller holds its lock or made its key."""
        self.writes[(table, key)] = row

    def insert(self, table: str, row: Row) -> None:
        """Add a row with a position from the identity column."""
        position = self.server.tables[table].next_position
        self.server.tables[table].next_position += 1
        self.writes[(table, position)] = {"position": position, **row}

    def commit(self) -> None:
        """Make the writes visible, all at once."""
        for (table, key), row in self.writes.items():
            rows = self.server.tables[table].rows
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row
        writes = tuple((table, key, row) for (table, key), row in self.writes.items())
        if writes:
            self.server.history.append(Commit(self.client.name, self.server.loop.time(), writes))
        self.cut()

    def hang_up(self) -> None:
        """The client is gone. A backend that waits for a lock notices when it has it, as the real one does."""
        self._hung_up = True
        if not self.busy:
            self.cut()

    def idle(self) -> None:
        """The statement is done."""
        self.busy = False
        if self._hung_up:
            self.cut()

    def cut(self) -> None:
        """End the transaction; what is not committed is gone."""
        if self.alive:
            self.alive = False
            self.server.open.remove(self)
            self.writes = {}
            self.server.locks.release_all(self)
