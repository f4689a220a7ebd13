"""A calendar of a course: one row a week, one column a weekday, and a box for each session."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from shared.charts.markup import element, words

MOST_WEEKS = 8
"""What fits into one picture."""
_LEFT, _TOP, _WIDE, _HIGH = 76, 52, 90, 29
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class SessionBox(NamedTuple):
    """A session: its number in the course, its day, and a few words such as its time and who treats."""

    number: int
    day: date
    text: str


def sessions_chart(sessions: Sequence[SessionBox]) -> str:
    """The drawing of at least one session; of a course that is longer than `MOST_WEEKS`, its first weeks."""
    first = min(box.day for box in sessions)
    monday = first - timedelta(days=first.weekday())
    weeks = min(MOST_WEEKS, (max(box.day for box in sessions) - monday).days // 7 + 1)
    shown = [box for box in sessions if (box.day - monday).days < 7 * weeks]
    return "".join((*_grid(monday, weeks), *(_box(box, monday) for box in shown)))


def _grid(monday: date, weeks: int) -> Iterator[str]:
    right, bottom = _LEFT + _WIDE * len(_DAYS), _TOP + _HIGH * weeks
    for column, name in enumerate(_DAYS):
        yield element("text", words(name), class_="muted", x=_LEFT + _WIDE * column + 4, y=_TOP - 6)
    for week in range(weeks + 1):
        yield element("line", class_="grid", x1=16, x2=right, y1=_TOP + _HIGH * week, y2=_TOP + _HIGH * week)
        if week < weeks:
            day = monday + timedelta(weeks=week)
            yield element("text", words(f"{day.day} {day:%b}"), class_="muted", x=16, y=_TOP + _HIGH * week + 19)
    for column in range(len(_DAYS) + 1):
        x = _LEFT + _WIDE * column
        yield element("line", class_="grid", x1=x, x2=x, y1=_TOP, y2=bottom)


def _box(box: SessionBox, monday: date) -> str:
    week, column = divmod((box.day - monday).days, 7)
    x, y = _LEFT + _WIDE * column + 2, _TOP + _HIGH * week + 3
    told = element("title", words(f"Session {box.number}, {box.day.day} {box.day:%b}: {box.text}"))
    return element(
        "g",
        told,
        element("rect", class_="band", x=x, y=y, width=_WIDE - 4, height=_HIGH - 6, rx=4),
        element("text", words(f"{box.number}"), x=x + 5, y=y + 16, font_weight="600"),
        element("text", words(box.text), class_="muted", x=x + 22, y=y + 16),
    )
