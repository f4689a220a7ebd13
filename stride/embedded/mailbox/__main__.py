"""`python -m stride.embedded.mailbox --smtp-port N --http-port N --home FOLDER`."""

import argparse
import asyncio
from pathlib import Path

import uvicorn

from stride.embedded.mailbox.smtp import receiving
from stride.embedded.mailbox.store import Store
from stride.embedded.mailbox.web import application
from stride.embedded.ports import LOOPBACK


async def serve(smtp_port: int, http_port: int, folder: Path) -> None:
    """Runs until SIGTERM or SIGINT."""
    store = Store(folder)
    config = uvicorn.Config(application(store), LOOPBACK, http_port, log_level="warning", access_log=False)
    async with receiving(store, smtp_port):
        await uvicorn.Server(config).serve()


def main() -> None:
    parser = argparse.ArgumentParser(prog="stride.embedded.mailbox", description=__doc__)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--home", type=Path, required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.smtp_port, options.http_port, options.home))


if __name__ == "__main__":
    main()
