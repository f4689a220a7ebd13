"""Shares and delays with what chance leaves open."""

from collections.abc import Sequence
from math import ceil, inf, sqrt
from typing import NamedTuple

_Z = 1.959964
"""95%, both sides."""


class Share(NamedTuple):
    """So many of so many."""

    so: int
    of: int

    @property
    def percent(self) -> float:
        """In percent, to two digits."""
        return round(100 * self.so / self.of, 2) if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95% confidence interval, in percent."""
        if not self.of:
            return 0.0, 100.0
        p, n = self.so / self.of, self.of
        centre, spread = p + _Z**2 / (2 * n), _Z * sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
        low, high = ((centre + sign * spread) / (1 + _Z**2 / n) for sign in (-1, 1))
        return round(100 * max(0.0, low), 2), round(100 * min(1.0, high), 2)


def share(outcomes: Sequence[bool]) -> Share:
    """The share of what is so."""
    return Share(sum(outcomes), len(outcomes))


def quantile(values: Sequence[float], part: float) -> float | None:
    """The smallest value that `part` of the values do not exceed; None where that is never."""
    if not values:
        return None
    found = sorted(values)[max(0, ceil(part * len(values)) - 1)]
    return None if found == inf else found
