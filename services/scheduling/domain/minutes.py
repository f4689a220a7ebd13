"""Minutes as bits of an int: bit m is minute m. Whole days are compared in one operation."""

from datetime import UTC, datetime, timedelta

FULL = (1 << 2048) - 1
"""All minutes of the longest day, and of the buffer after it."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def minutes_since_1970(moment: datetime) -> int:
    """Whole minutes from the epoch to an aware `moment`."""
    return (moment - EPOCH) // MINUTE


def minutes_between(start: int, end: int) -> int:
    """A mask of the minutes from `start` up to `end`."""
    return ((1 << (end - start)) - 1) << start if end > start else 0


def reached(minutes: int, ahead: int) -> int:
    """The minutes, and those up to `ahead` minutes after any of them."""
    reach = 1
    while reach * 2 <= ahead + 1:
        minutes |= minutes << reach
        reach *= 2
    return minutes | minutes << (ahead + 1 - reach)


def runs(mask: int) -> list[tuple[int, int]]:
    """From which minute up to which there are ones."""
    found: list[tuple[int, int]] = []
    while mask:
        begin = (mask & -mask).bit_length() - 1
        rest = ~(mask >> begin)
        length = (rest & -rest).bit_length() - 1
        found.append((begin, begin + length))
        mask = mask >> (begin + length) << (begin + length)
    return found


def beginnings(free: int, length: int) -> int:
    """The minutes at which `length` free minutes begin."""
    reach = 1
    while reach * 2 <= length:
        free &= free >> reach
        reach *= 2
    return free & (free >> (length - reach))
