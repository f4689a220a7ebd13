"""The desk of scheduling; the tests of other services bring desks of their own."""

from tests.handlers.scheduling_desk import desk, engine

__all__ = ["desk", "engine"]
