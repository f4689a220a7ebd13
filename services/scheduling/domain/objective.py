"""What a good course is, as costs: the one objective that booking and re-planning minimise.

Costs compare only with each other; docs/scheduling.md says them in words, and ADR 0016 how they were chosen.
For a course whose first session is on day f, with a main practitioner m that the plan names or the search chooses:

    WAIT * (f - wished first day)^1.5, rounded
    + for each session:  UNEVEN * (days since the session before - its phase's spacing)^2, rounded
                         + OFF_RHYTHM         where that is more than a day off
                         + NOT_PREFERRED      where the patient wished another time
                         + NO_THERAPY         where nobody is free for the therapy that belongs beside it
                         + OTHER_PRACTITIONER where it is not m
                         + OVER_QUOTA         where it is one more than its week's quota
                         + LEFT_OUT           where it has no time
                         + MOVING             where it leaves the time that it had

Gap bounds, opening times, notice, what is taken, and the patient's impossible times are never broken.
A calendar week's quota is the highest weekly rate, rounded up, of the phases whose sessions it holds.
Quotas are kept where that costs no more than leaving one session out; else they are broken as little as
the objective says, and each break is reported. Of equally good courses the same one is always taken, mostly that
of earlier days.
"""

from dataclasses import dataclass

WAIT = 650
"""One day between the wished and the real first session; it grows faster than the days: a long wait is what hurts."""
UNEVEN = 700
"""One day more or less between two sessions than their phase asks for; it grows with the square."""
OFF_RHYTHM = 2500
"""A gap more than a day off: a day earlier or later still keeps the rhythm, two days do not."""
_A_DAY = 1 + 1e-9
NOT_PREFERRED = 1500
NO_THERAPY = 1000
"""Same-day therapy: worth half a day of wait, and less than the patient's own wishes."""
OTHER_PRACTITIONER = 9000
"""Continuity: worth two gaps that are off the rhythm."""
OVER_QUOTA = 4000
"""One session more in a week than its phases allow: worth three days of wait."""
LEFT_OUT = 20_000
"""A session without a time: worth ten days of wait, or two sessions with somebody else."""
NEVER = 10**12
"""Dearer than any course: a day on which a session can't be."""
MOVING = 1000
"""Keeping an appointment where it is outweighs a day of uneven spacing, not more: it is still far."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Which rules a search may break at a cost."""

    over_quota: bool = False
    leave_out: bool = False


STRICT = Rules()
"""All sessions within their quotas, or nothing."""
LENIENT = Rules(over_quota=True, leave_out=True)
"""Every course finds a plan; what it breaks is reported."""


def wait(day: int, wished: float) -> int:
    """What it costs to begin on `day`."""
    return round(WAIT * abs(day - wished) ** 1.5)


def uneven(gap: float, spacing: float) -> int:
    """What it costs to hold two sessions `gap` days apart."""
    off = abs(gap - spacing)
    return round(UNEVEN * off**2) + (OFF_RHYTHM if off > _A_DAY else 0)


def week_of(day: int) -> int:
    """The calendar week of a day, from Monday to Sunday."""
    return (day - 1) // 7
