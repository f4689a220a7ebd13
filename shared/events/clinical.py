"""Values that facts of several services share: readings, phases, measures, milestone rules."""

from datetime import date, time
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from shared.events.base import Code, Identifier, Moment, Part, Text


class Side(StrEnum):
    """Which side of the body."""

    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"


class Weekday(StrEnum):
    """A day of the week, as iCalendar (RFC 5545) abbreviates it."""

    MO = "MO"
    TU = "TU"
    WE = "WE"
    TH = "TH"
    FR = "FR"
    SA = "SA"
    SU = "SU"


class Reading(Part):
    """One reading of an outcome measure.

    `value` is in `unit` (UCUM); series are kept apart by measure, side and device.
    """

    measurement_id: Identifier
    measure: Code
    value: Annotated[float, Field(allow_inf_nan=False)]
    unit: Annotated[str, Field(max_length=32)]
    effective_at: Moment
    side: Side | None = None
    device: Identifier | None = None
    rater: Identifier | None = None
    enrolment: bool = False
    """Taken to decide on enrolment: never part of a baseline (regression to the mean)."""


class AdverseEvent(Part):
    """An unwanted effect, graded by CTCAE 5.0: 1 mild to 5 death."""

    adverse_event_id: Identifier
    grade: Annotated[int, Field(ge=1, le=5)]
    term: Annotated[str, Field(max_length=200)]
    occurred_at: Moment


class NeedlePoint(Part):
    """A needled point by its WHO code (ST36, GB34, SP6, LR3), after STRICTA 2010."""

    point: Annotated[str, Field(pattern=r"^(LU|LI|ST|SP|HT|SI|BL|KI|PC|TE|GB|LR|CV|GV|EX)-?[A-Z]{0,3}[0-9]{1,2}$")]
    side: Side | None = None
    depth_mm: Annotated[float, Field(gt=0, le=120)] | None = None
    response: Literal["de-qi", "twitch", "none"] | None = None
    stimulation: Literal["manual", "electrical"] | None = None
    frequency_hz: Annotated[float, Field(gt=0, le=1000)] | None = None
    current_ma: Annotated[float, Field(ge=0, le=80)] | None = None


class PreferredTime(Part):
    """When a patient would like to come: a weekday and local times, `from` before `until`."""

    weekday: Weekday
    start: time
    end: time


class TimeWish(Part):
    """Which times somebody would take, by the clinic's calendar and clocks; what is not given does not restrict."""

    not_before: date | None = None
    not_after: date | None = None
    weekdays: tuple[Weekday, ...] = ()
    start: time | None = None
    """The session lies between this time of the day and `end`."""
    end: time | None = None
    practitioner_id: Identifier | None = None


BookingRule = Literal["all-or-nothing", "best-effort"]
"""Whether a course is booked only as a whole and within all rules, or what it breaks is reported."""


class CoIntervention(Part):
    """Care given beside the sessions, such as physical therapy within so many minutes."""

    kind: Code
    same_day: bool = False
    within_minutes: Annotated[int, Field(ge=0, le=1440)] | None = None


class Phase(Part):
    """A stretch of a course at one rate.

    It holds `round(sessions_per_week * weeks)` sessions; consecutive sessions are at least
    `min_gap_days` and at most `max_gap_days` calendar days apart.
    """

    name: Code
    sessions_per_week: Annotated[float, Field(gt=0, le=7)]
    weeks: Annotated[int, Field(ge=1, le=104)]
    min_gap_days: Annotated[int, Field(ge=1, le=90)]
    max_gap_days: Annotated[int, Field(ge=1, le=120)]

    @property
    def sessions(self) -> int:
        """How many sessions the phase holds."""
        return max(1, round(self.sessions_per_week * self.weeks))


class MeasureSpec(Part):
    """How a measure is read: unit, range, which way is better, noise and what counts as change."""

    measure: Code
    unit: str
    low: float
    high: float
    better: Literal["lower", "higher"]
    scale: Literal["linear", "log"]
    sigma: Annotated[float, Field(gt=0)]
    """Standard deviation of one reading: in `unit` where linear, of the natural logarithm where log."""
    mcid: Annotated[float, Field(gt=0)]
    """Smallest change that matters: in `unit` where linear, as a fraction where log."""
    by_rater: bool = False
    """A grading: each rater's is a series of its own, and grades are compared, never averaged."""


class ExpectedPoint(Part):
    """What is expected by itself so many weeks after a course begins: a point of a recovery curve."""

    week: Annotated[float, Field(gt=0, le=520)]
    change: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Toward better, from before treatment: in the measure's unit where linear, as a fraction where log."""


ExpectedCurve = Annotated[tuple[ExpectedPoint, ...], Field(max_length=60)]
"""Points of a recovery curve, weeks and changes rising; it begins with no change on the course's first day."""


class MilestoneRule(Part):
    """When a milestone counts as reached. `rule_version` changes whenever the rule does."""

    milestone: Code
    rule_version: Annotated[int, Field(ge=1)] = 1
    kind: Literal["session-count", "confirmed-change"]
    sessions: Annotated[int, Field(ge=1)] | None = None
    measure: Code | None = None
    change: float | None = None
    """Target change toward better: a fraction (.40 is 40%) where relative, else in the measure's unit."""
    relative: bool = True
    probability: Annotated[float, Field(gt=0.5, lt=1)] = 0.90
    window: Annotated[int, Field(ge=2, le=12)] = 3
    passes: Annotated[int, Field(ge=1, le=12)] = 2
    stale_days: Annotated[int, Field(ge=1)] = 42
    primary: bool = False
    expected_curve: bool = False
    """Judged against a curve that a clinician enters; without one it can't be evaluated. `change` is then how much
    faster than expected: .25 is 25%, so that what is expected of week 10 is there in week 8."""
    expected: ExpectedCurve = ()
    """The curve, where there is one."""
    title: Text = ""


class VisitLimit(Part):
    """No more than so many sessions within any so many days."""

    sessions: Annotated[int, Field(ge=1)]
    within_days: Annotated[int, Field(ge=1, le=3650)]


class Step(Part):
    """One rung of the taper ladder: a rate that a course stays at until the next step."""

    name: Code
    phases: tuple[Phase, ...]
    """What is booked from this rung on; empty means discharge."""
