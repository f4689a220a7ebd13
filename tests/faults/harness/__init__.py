"""A small real service, its ledger, and ways to break it. tests/faults/README.md says how to write a fault.

`World` is one fault's own place; `@fault` makes a test of it; `judge` compares what the writer
intended with what tables and topics show.
"""

from tests.faults.harness.judge import Verdict
from tests.faults.harness.registry import fault
from tests.faults.harness.replica import Replica
from tests.faults.harness.world import World

__all__ = ["Replica", "Verdict", "World", "fault"]
