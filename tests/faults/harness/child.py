"""What one replica of the ledger service runs, in a process of its own. Its environment says how.

LEDGER            the service's name
LEDGER_PLUGINS    functions to call first, as `module:function`, separated by spaces
LEDGER_GROUP      JSON: keyword arguments for the Consumer (`session_timeout_ms` and the like)
LEDGER_RELEASE    1 or 2, see service.declare
LEDGER_WRITES     JSON: what it writes into its own outbox, see writing.py
LEDGER_MENDED     set: the handler no longer does what an event tells it to do wrong
STRIDE_CRASH_AT   `point:n`, see crash.py
"""

import functools
import json
import os
from importlib import import_module

from shared.flow import FLOW
from shared.messaging import service as runtime
from shared.messaging.service import Service, run
from shared.settings import Settings
from tests.faults.harness import crash, writing
from tests.faults.harness.service import declare, keeper
from tests.faults.harness.store import LedgerStore


def main() -> None:
    """Run until stopped; leaves by SystemExit with the service's exit code."""
    group = json.loads(os.environ.get("LEDGER_GROUP", "{}"))
    runtime.Consumer = functools.partial(runtime.Consumer, **group)
    name = os.environ["LEDGER"]
    facts = declare(name, release=int(os.environ.get("LEDGER_RELEASE", "1")))
    keep = keeper(facts.kept)
    background = (writing.background(facts),) if os.environ.get("LEDGER_WRITES") else ()
    ledger = Service(name, dict.fromkeys(FLOW[name].consumes, keep), _store, background=background)
    crash.install(os.environ.get("STRIDE_CRASH_AT", ""))
    for plugin in os.environ.get("LEDGER_PLUGINS", "").split():
        module, _, function = plugin.partition(":")
        getattr(import_module(module), function)()
    run(ledger)


def _store(_: Settings) -> LedgerStore:
    return LedgerStore()


if __name__ == "__main__":
    main()
