"""Are the servers' programs there, and do they run?"""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from pathlib import Path

from stride.cli.checks.finding import Check, Finding
from stride.embedded.accounts import account_below_root
from stride.embedded.errors import BadConfiguration, JarMismatch
from stride.embedded.jars import jar_folder, read_lock, verify
from stride.embedded.java import child_environment, java
from stride.embedded.kafka import Installation
from stride.embedded.postgres import binary
from stride.embedded.spawn import as_account

_REINSTALL = "pip install --require-hashes -r requirements-dev.lock"


def installation_checks() -> list[Check]:
    return [
        Check("postgres program", _postgres),
        Check("java", _java),
        Check("kafka jars", _jars),
        Check("kafka start cache", _start_cache),
    ]


async def _postgres() -> Finding:
    try:
        account = account_below_root()
        process = await asyncio.create_subprocess_exec(
            *(str(binary("postgres", account)), "--version"),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            **as_account(account),
        )
    except (OSError, BadConfiguration) as error:
        return Finding("fail", str(error), _REINSTALL)
    return await _runs(process)


async def _java() -> Finding:
    try:
        process = await asyncio.create_subprocess_exec(
            *(java(), "-version"),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            env=child_environment(),
        )
    except (OSError, BadConfiguration) as error:
        return Finding("fail", str(error), _REINSTALL)
    return await _runs(process)


async def _runs(process: asyncio.subprocess.Process) -> Finding:
    output, _ = await process.communicate()
    first = output.decode(errors="replace").partition("\n")[0]
    return Finding("ok" if process.returncode == 0 else "fail", first, _REINSTALL)


async def _jars() -> Finding:
    return await asyncio.to_thread(_verify_jars, jar_folder())


def _verify_jars(folder: Path) -> Finding:
    jars = read_lock()
    missing = [jar for jar in jars if not (folder / jar.filename).exists()]
    if missing:
        return Finding("warn", f"{len(missing)} of {len(jars)} not fetched yet", "stride up")
    try:
        for jar in jars:
            verify(jar, folder / jar.filename)
    except JarMismatch as error:
        return Finding("fail", str(error), f"rm -r {folder}")
    return Finding("ok", f"{len(jars)} jars in {folder}, all as in the lock file")


async def _start_cache() -> Finding:
    installation = Installation(tuple(jar_folder() / jar.filename for jar in read_lock()))
    if installation.aot_cache.exists():
        return Finding("ok", str(installation.aot_cache))
    return Finding("warn", "not made yet: the next start takes some ten seconds more", "stride up")
