"""`python -m stride.embedded.mailbox --smtp-port N --http-port N --home FOLDER`.

In a container it listens on all addresses (`--host 0.0.0.0`) and is known by more names than
the loopback's (`--name mailbox`).
"""

import argparse
import asyncio
from pathlib import Path

import uvicorn

from stride.embedded.mailbox.smtp import receiving
from stride.embedded.mailbox.store import Store
from stride.embedded.mailbox.web import application
from stride.embedded.ports import LOOPBACK


async def serve(options: argparse.Namespace) -> None:
    """Runs until SIGTERM or SIGINT."""
    store = Store(options.home)
    web = application(store, options.name)
    config = uvicorn.Config(web, options.host, options.http_port, log_level="warning", access_log=False)
    async with receiving(store, options.host, options.smtp_port):
        await uvicorn.Server(config).serve()


def main() -> None:
    parser = argparse.ArgumentParser(prog="stride.embedded.mailbox", description=__doc__)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on")
    parser.add_argument("--name", action="append", default=[], help="host name the page may be asked by")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
