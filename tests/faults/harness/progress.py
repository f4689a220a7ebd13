"""How a long fault tells how far it is, to whoever watches."""

from collections.abc import Callable

Watcher = Callable[[int, int], None]
_watchers: list[Watcher] = []


def watch(watcher: Watcher | None) -> None:
    """Have `watcher(done, total)` called from now on; None: nobody watches."""
    _watchers[:] = [watcher] if watcher else []


def far(done: int, total: int) -> None:
    """`done` of `total` steps are behind us."""
    for watcher in _watchers:
        watcher(done, total)
