"""Is what runs reachable? Each layer asked by itself, so that the answer names the broken one."""

import asyncio
import socket
from pathlib import Path
from urllib.parse import urlsplit

from stride.cli.checks.finding import Check, Finding
from stride.embedded.addresses import Addresses, External
from stride.embedded.home import Home
from stride.embedded.postgres import accepts
from stride.embedded.probes import connects, http_ok, kafka_answers, smtp_greets


def running_checks(home: Path, external: External) -> list[Check]:
    """The stack's own state, and each server and service that ought to answer."""
    running = (home / "lock").exists() and Home(home).is_locked()
    saved = Addresses.load(home) if running else None
    kafka = external.kafka_bootstrap or (saved.kafka_bootstrap if saved else "")
    database = external.database_url or (saved.database_url if saved else "")
    smtp = external.smtp or (saved.smtp if saved else "")
    return [
        Check("stack", lambda: _stack(home, running)),
        *(_kafka_checks(kafka) if kafka else ()),
        *(_postgres_checks(database) if database else ()),
        *([Check("smtp", lambda: _smtp(smtp))] if smtp else ()),
        *(_http_checks(saved, home) if saved else ()),
    ]


async def _stack(home: Path, running: bool) -> Finding:
    if running:
        return Finding("ok", f"runs from {home} as process {Home(home).holder()}")
    return Finding("warn", f"none runs from {home}, so its servers were not asked", f"stride up --home {home}")


def _kafka_checks(bootstrap: str) -> list[Check]:
    host, port = _host_and_port(bootstrap.split(",", maxsplit=1)[0], 9092)
    return [
        Check("kafka name", lambda: _name(host)),
        Check("kafka port", lambda: _port(host, port, "KAFKA_BOOTSTRAP")),
        Check("kafka protocol", lambda: _kafka(bootstrap)),
    ]


def _postgres_checks(url: str) -> list[Check]:
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 5432
    return [
        Check("postgres name", lambda: _name(host)),
        Check("postgres port", lambda: _port(host, port, "DATABASE_URL")),
        Check("postgres login", lambda: _login(url, parts.username or "")),
    ]


def _http_checks(addresses: Addresses, home: Path) -> list[Check]:
    pages = {**addresses.services} | ({"mail page": addresses.mailbox} if addresses.mailbox else {})
    return [_http_check(name, url, home) for name, url in pages.items()]


def _http_check(name: str, url: str, home: Path) -> Check:
    async def ask() -> Finding:
        ready = await http_ok(f"{url}/health/ready")
        log = home / "logs" / f"{'mailbox' if name == 'mail page' else name}.log"
        return Finding("ok" if ready else "fail", url, f"tail {log}")

    return Check(name, ask)


async def _name(host: str) -> Finding:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        return Finding("fail", f"{host}: {error}", f"getent hosts {host}")
    return Finding("ok", f"{host} is {found[0][4][0]}")


async def _port(host: str, port: int, setting: str) -> Finding:
    where = f"{host}:{port}"
    if await connects(host, port, within=3.0):
        return Finding("ok", where)
    return Finding("fail", f"nothing listens on {where}", f"nc -vz {host} {port} # from {setting}")


async def _kafka(bootstrap: str) -> Finding:
    if await kafka_answers(bootstrap):
        return Finding("ok", f"{bootstrap} tells of its cluster")
    fix = "check that KAFKA_BOOTSTRAP names a plain listener and that the broker advertises that address"
    return Finding("fail", f"{bootstrap} does not speak Kafka to us", fix)


async def _login(url: str, user: str) -> Finding:
    if await accepts(url):
        return Finding("ok", f"as {user}")
    return Finding("fail", f"refused for {user}", "check the user, password and database in DATABASE_URL")


async def _smtp(url: str) -> Finding:
    if await smtp_greets(url):
        return Finding("ok", url)
    return Finding("fail", f"no greeting from {url}", "check STRIDE_SMTP: smtp://host:port")


def _host_and_port(address: str, otherwise: int) -> tuple[str, int]:
    parts = urlsplit(f"//{address}")
    return parts.hostname or "127.0.0.1", parts.port or otherwise
