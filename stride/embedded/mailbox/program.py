"""How the supervisor runs the inbox."""

import os
import sys

from stride.embedded.home import Home
from stride.embedded.ports import LOOPBACK
from stride.embedded.probes import http_ok, smtp_greets
from stride.embedded.program import Program


def mailbox_program(home: Home, smtp_port: int, http_port: int) -> Program:
    folder = home.folder("mailbox")

    async def ready() -> bool:
        page = await http_ok(f"http://{LOOPBACK}:{http_port}/health/ready")
        return page and await smtp_greets(f"smtp://{LOOPBACK}:{smtp_port}")

    return Program(
        name="mailbox",
        command=(
            *(sys.executable, "-m", "stride.embedded.mailbox"),
            *("--smtp-port", str(smtp_port), "--http-port", str(http_port), "--home", str(folder)),
        ),
        environment=dict(os.environ),
        log=home.log("mailbox"),
        probe=ready,
        grace=5.0,
    )
