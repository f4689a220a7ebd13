"""Chance that can be drawn again: every draw has a name, and the same name gives the same draw.

Nothing is drawn from a shared stream, whose order would depend on what arrives first; so a run
under faults meets the same patients, the same noise and the same cancellations as a quiet one.
"""

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def generator(seed: int, *name: str | int) -> random.Random:
    """A generator of its own for what `name` describes, for instance `(7, "visit", 3)`."""
    text = "\x1f".join(map(str, (seed, *name)))
    return random.Random(hashlib.sha256(text.encode()).digest())  # noqa: S311  # simulation, no secrets


def happens(probability: float, seed: int, *name: str | int) -> bool:
    """Whether something of that probability happens this time."""
    return generator(seed, *name).random() < probability


def one_of(options: Sequence[tuple[T, float]], seed: int, *name: str | int) -> T:
    """One of `options` by their weights (which need not add up to 1)."""
    values, weights = zip(*options, strict=True)
    return generator(seed, *name).choices(values, weights)[0]
