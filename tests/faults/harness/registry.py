"""`@fault` makes a test of a fault: break things in a world, let it come to rest, judge."""

import functools
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.faults.harness.world import World

Body = Callable[[World], Awaitable[None]]


def fault(name: str, *, fast: bool = False, timeout: float = 180) -> Callable[[Body], Body]:
    """The decorated coroutine breaks things in its `world`; then all must come to rest, and be clean.

    `name` stands in the table. A `fast` one also runs in `make test` (some 10 s at most); the
    others carry the marker `slow_fault`. `timeout` is pytest's, in seconds.
    """

    def make(body: Body) -> Body:
        @functools.wraps(body)
        async def test(world: World) -> None:
            began = time.monotonic()
            world.verdict.fault = name
            try:
                await body(world)
                await world.quiet()
                await world.judge()
            except BaseException as error:
                world.verdict.problem = f"{type(error).__name__}: {error}"[:300]
                raise
            finally:
                world.verdict.seconds = round(time.monotonic() - began, 1)
            assert world.verdict.clean, f"{world.verdict}; again: make faults ARGS='--only {name} --seed {world.seed}'"

        marks = [pytest.mark.fault(name), pytest.mark.timeout(timeout)]
        if not fast:
            marks.append(pytest.mark.slow_fault)
        for mark in marks:
            test = mark(test)
        return test

    return make
