"""The answer of a check."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

Status = Literal["ok", "warn", "fail"]
Probe = Callable[[], "Awaitable[Finding]"]

PATIENCE = 8.0
"""Seconds a check may take: one that hangs has failed, and the doctor is through within ten."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`fix` is a command or a step to copy; empty where nothing is to be done."""

    status: Status
    detail: str
    fix: str = ""


def answered(look: Callable[[Path], Finding], folder: Path) -> Probe:
    """A question about a folder, asked in a thread of its own: a network disk may be slow."""
    return lambda: asyncio.to_thread(look, folder)


@dataclass(frozen=True, slots=True)
class Check:
    """A named question."""

    name: str
    ask: Probe

    async def answer(self) -> dict[str, object]:
        """Never raises and never hangs: what goes wrong while looking is a finding too."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                finding = await self.ask()
        except TimeoutError:
            finding = Finding("fail", f"no answer within {PATIENCE:.0f} s", "look at what hangs there")
        except Exception as error:  # noqa: BLE001 - a check that breaks must not end the others
            finding = Finding("fail", f"{type(error).__name__}: {error}", "see the detail")
        seconds = round(time.monotonic() - started, 3)
        fix = finding.fix if finding.status != "ok" else ""
        finding = replace(finding, fix=fix)
        return {
            "check": self.name,
            "status": finding.status,
            "detail": finding.detail,
            "fix": finding.fix,
            "seconds": seconds,
        }
