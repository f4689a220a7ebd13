"""The client's side: what the runtime takes for SQLAlchemy's engine and connection."""

from collections import namedtuple
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any, TypeVar

from asyncpg.exceptions import ConnectionDoesNotExistError, PostgresError
from sqlalchemy import TextClause, text
from sqlalchemy.exc import DBAPIError

from shared.database import sqlstate
from tests.simulation.loop import PROCESS
from tests.simulation.network import ConnectionLost, Network
from tests.simulation.postgres.locks import Abandoned, Deadlock
from tests.simulation.postgres.server import Backend, Rejected, Server
from tests.simulation.postgres.statements import Answer, by_driver, meaning_of, name_of

T = TypeVar("T")
_HANG_UP_SECONDS = 0.01


@cache
def _row_type(columns: tuple[str, ...]) -> Any:
    """Rows are unpacked by place and read by name, as SQLAlchemy's."""
    return namedtuple("Row", columns)  # pyright: ignore[reportUntypedNamedTuple]


class _Rejected(PostgresError):
    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.sqlstate = state


class Result:
    """Rows as SQLAlchemy gives them."""

    def __init__(self, answer: Answer) -> None:
        self._rows = [_row_type(tuple(row))(**row) for row in answer.rows]
        self._first_column = [next(iter(row.values())) for row in answer.rows]
        self.rowcount = answer.count
        self.returns_rows = True

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> list[Any]:
        return self._rows

    def one_or_none(self) -> Any:
        return self._rows[0] if self._rows else None

    def scalars(self) -> list[Any]:
        return self._first_column


class Connection:
    """A transaction in progress."""

    def __init__(self, network: Network, backend: Backend) -> None:
        self._network = network
        self._backend = backend
        self._begun = False
        self._invalidated = False

    async def execute(self, statement: TextClause, parameters: Any = None) -> Result:
        """Have the server do what `statement` means.

        Raises:
            DBAPIError: rejected, or the connection broke.
        """
        self._begun = True
        meaning = meaning_of(statement.text)
        self._network.loop.note(name_of(statement.text))
        many: Sequence[Mapping[str, Any]] = parameters if isinstance(parameters, list) else [parameters or {}]

        async def work() -> Answer:
            answer = Answer()
            for one in many:
                answer = await meaning(self._backend, one)
            return answer

        return Result(await self._ask(work))

    async def scalar(self, statement: TextClause, parameters: Any = None) -> Any:
        """The first column of the first row, or None."""
        return next(iter((await self.execute(statement, parameters)).scalars()), None)

    async def scalars(self, statement: TextClause, parameters: Any = None) -> list[Any]:
        """The first column."""
        return (await self.execute(statement, parameters)).scalars()

    @property
    def sync_connection(self) -> Any:
        """Within which is the driver's own connection."""
        return SimpleNamespace(connection=SimpleNamespace(driver_connection=self))

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        """A statement, as asyncpg has it.

        Raises:
            PostgresError: rejected, or the connection broke.
        """
        sql, names = by_driver()[query]
        try:
            return (await self.execute(text(sql), dict(zip(names, values, strict=True)))).all()
        except DBAPIError as error:
            raise self._as_driver(error) from error

    def is_in_transaction(self) -> bool:
        """SQLAlchemy begins a transaction with its first statement."""
        return self._begun and self._backend.alive

    def is_closed(self) -> bool:
        """Whether the connection broke."""
        return not self._backend.alive

    async def copy_records_to_table(
        self, table: str, *, records: Iterable[Sequence[Any]], columns: Sequence[str], **_: Any
    ) -> None:
        """COPY, as asyncpg has it.

        Raises:
            PostgresError: the connection broke.
        """
        self._network.loop.note(f"COPY {table}")
        rows = [dict(zip(columns, record, strict=True)) for record in records]

        async def work() -> None:
            for row in rows:
                self._backend.insert(table, row)

        try:
            await self._ask(work)
        except DBAPIError as error:
            raise self._as_driver(error) from error

    def _as_driver(self, error: DBAPIError) -> PostgresError:
        """As asyncpg raises it. SQLAlchemy is not told: it finds out at the rollback."""
        self._invalidated = False
        if isinstance(error.orig, ConnectionLost):
            return ConnectionDoesNotExistError()
        return _Rejected(sqlstate(error))

    async def commit(self) -> None:
        """Commit; a failed transaction is rolled back, as PostgreSQL answers a COMMIT then."""
        self._network.loop.note("COMMIT")

        async def work() -> None:
            self._backend.commit() if not self._backend.failed else self._backend.cut()

        await self._ask(work)

    async def rollback(self) -> None:
        """Take everything back; where SQLAlchemy knows that the connection broke, there is nothing to take back.

        Raises:
            DBAPIError: the connection broke, and only now it shows.
        """

        async def work() -> None:
            self._backend.cut()

        if not self._invalidated:
            await self._ask(work)

    def abandon(self) -> None:
        """Drop the connection without a word, as a cancelled request does."""
        if not self._backend.alive:
            return
        loop = self._network.loop
        loop.call_later(_HANG_UP_SECONDS, self._backend.hang_up, context=self._backend.server.process.context)

    async def _ask(self, work: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self._network.call(self._backend.server.process, lambda: self._serve(work))
        except ConnectionLost as lost:
            self._backend.hang_up()
            self._invalidated = True
            raise DBAPIError("", {}, lost, connection_invalidated=True) from lost
        except (Rejected, Deadlock) as error:
            raise DBAPIError("", {}, error) from error

    async def _serve(self, work: Callable[[], Awaitable[T]]) -> T:
        backend = self._backend
        if not backend.alive:
            raise ConnectionLost
        backend.busy = True
        try:
            result = await work()
        except (Rejected, Deadlock):
            backend.failed = True
            raise
        except Abandoned as end:
            raise ConnectionLost from end
        finally:
            backend.idle()
        return result


class Engine:
    """Opens transactions for the process it is used in."""

    def __init__(self, network: Network, server: Server) -> None:
        self._network = network
        self._server = server

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Connection]:
        """A transaction that commits at the end of the block, and is rolled back after an error."""
        connection = await self._connect()
        try:
            yield connection
            await connection.commit()
        except Exception:
            await connection.rollback()
            raise
        except BaseException:
            connection.abandon()
            raise

    async def dispose(self) -> None:
        """Nothing is pooled."""

    async def _connect(self) -> Connection:
        client = PROCESS.get()

        async def work() -> Backend:
            return self._server.connect(client)

        try:
            backend = await self._network.call(self._server.process, work)
        except ConnectionLost as lost:
            raise ConnectionResetError from lost
        connection = Connection(self._network, backend)
        client.at_death.append(connection.abandon)
        return connection
