"""States of the latest batches, kept in memory so that their rows need not be read again."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

S = TypeVar("S")


class _Remembered(NamedTuple, Generic[S]):
    version: int
    state: S
    rows: int


class Memory(Generic[S]):
    """The least recently used states are forgotten first.

    A version is the number of the transaction that wrote it, which is never given twice, not even
    after a rollback. So what is remembered is used exactly if the database has that version, and a
    state that another process changed, or whose change was rolled back, is simply read again.
    """

    def __init__(self, capacity: int, rows: Callable[[S], int]) -> None:
        """Room for states with so many rows in all, as `rows` counts them; 0 remembers nothing."""
        self._room = capacity
        self._rows = rows
        self._states: OrderedDict[str, _Remembered[S]] = OrderedDict()

    def recall(self, key: str, version: int) -> S | None:
        """The state of `key` as of `version`, if that is what is remembered."""
        known = self._states.get(key)
        if known is None or known.version != version:
            return None
        self._states.move_to_end(key)
        return known.state

    def remember(self, key: str, version: int, state: S) -> None:
        """Keep the state of `key` as of `version`."""
        rows = 1 + self._rows(state)
        known = self._states.pop(key, None)
        self._states[key] = _Remembered(version, state, rows)
        self._room += (known.rows if known else 0) - rows
        while self._room < 0:
            _, forgotten = self._states.popitem(last=False)
            self._room += forgotten.rows

    def forget(self, key: str) -> None:
        """Read `key` again next time: a transaction may read a state, change it, and read it once more."""
        known = self._states.pop(key, None)
        self._room += known.rows if known else 0
