"""What people have just asked for, until its fact comes back: shown to all, so that nobody does it twice.

Only for show, and only in this process: what is lost is shown as it stands.
"""

from typing import Final, NamedTuple

from shared.clock import wall_seconds

_SHOWN_SECONDS: Final = 20.0
"""Longer than a request takes, even where services are busy; past that it was perhaps refused."""


class _Request(NamedTuple):
    stood: object
    words: str
    at: float


class Asked:
    """The requests by what they are about."""

    def __init__(self) -> None:
        self._requests: dict[str, _Request] = {}

    def note(self, about: str, stood: object, words: str) -> None:
        """Somebody asked for a change of `about`, which they saw as `stood` says, a revision for instance."""
        now = wall_seconds()
        fresh = {key: one for key, one in self._requests.items() if now - one.at < _SHOWN_SECONDS}
        self._requests = {**fresh, about: _Request(stood, words, now)}

    def of(self, about: str, stood: object) -> str:
        """What was asked for of `about` as it stands; nothing where it has changed since, or nobody asked lately."""
        found = self._requests.get(about)
        if found is None or found.stood != stood or wall_seconds() - found.at > _SHOWN_SECONDS:
            return ""
        return found.words
