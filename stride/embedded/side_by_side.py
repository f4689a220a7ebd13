"""Running several steps at once, where the first that fails is the error that is seen."""

import asyncio
from collections.abc import Coroutine


async def side_by_side(*steps: Coroutine[object, object, None]) -> None:
    """Runs all; when one fails, cancels the others and raises its error itself, not a group."""
    try:
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(step)
    except BaseExceptionGroup as failures:
        first = failures.exceptions[0]
        raise first from first.__cause__
