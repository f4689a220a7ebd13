"""Times as people read them: by the clinic's clocks, in the reader's language. Filters for templates."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from babel.dates import format_date, format_datetime, format_time, format_timedelta
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

DAY: Final[Mapping[str, str]] = {"en": "d MMM y", "de": "d. MMM y"}
"""How a date is written, by language."""


@pass_context
def moment(context: Context, at: datetime) -> Markup:
    """Date and time, as an element that also tells programs."""
    view = context["view"]
    local = at.astimezone(view.zone)
    words = format_datetime(local, f"{DAY[view.language]}, HH:mm", locale=view.language)
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(timespec="minutes"), words)


@pass_context
def clock(context: Context, at: datetime) -> str:
    """The time of day."""
    view = context["view"]
    return format_time(at.astimezone(view.zone), "HH:mm", locale=view.language)


@pass_context
def day(context: Context, at: date) -> str:
    """The date; of a moment, by the clinic's clocks."""
    view = context["view"]
    local = at.astimezone(view.zone) if isinstance(at, datetime) else at
    return format_date(local, DAY[view.language], locale=view.language)


@pass_context
def weekday(context: Context, at: date) -> str:
    """The date with its day of the week."""
    view = context["view"]
    local = at.astimezone(view.zone) if isinstance(at, datetime) else at
    return format_date(local, f"EEE {DAY[view.language]}", locale=view.language)


@pass_context
def since(context: Context, at: datetime, now: datetime) -> Markup:
    """How long ago, or in how long; on being pointed at, the time itself."""
    view = context["view"]
    apart = at - now or timedelta(seconds=-1)  # what comes at this very moment is past, not "in 0 seconds"
    words = format_timedelta(apart, add_direction=True, locale=view.language, threshold=1.2)
    exact = format_datetime(at.astimezone(view.zone), f"EEE {DAY[view.language]}, HH:mm", locale=view.language)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(timespec="seconds"), exact, words)


def before(at: datetime) -> datetime:
    """The last moment before another one: of a span's end at midnight, its last day."""
    return at - timedelta(microseconds=1)


def instant(words: str) -> datetime:
    """The moment that RFC 3339 has in words."""
    return datetime.fromisoformat(words)


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "moment": moment,
    "clock": clock,
    "day": day,
    "weekday": weekday,
    "since": since,
    "before": before,
    "instant": instant,
}
