"""What people see while the demo runs: a live table on a terminal, plain lines elsewhere."""

from collections import Counter, deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from stride.demo.driver import Audience
from stride.demo.watch import Seen
from stride.demo.words import in_words

_LATEST = 12
_PLAIN_EVERY_DAYS = 7
_SHOWN = {
    "patient.registered": "patients",
    "plan.created": "plans",
    "appointment.booked": "booked",
    "session.logged": "sessions",
    "milestone.reached": "milestones",
    "alert.raised": "alerts",
    "notification.sent": "messages",
}


class PlainLines:
    """One line a simulated week."""

    def __init__(self, console: Console, days: int) -> None:
        self._console = console
        self._days = days
        self._day = 0
        self._count: Counter[str] = Counter()

    def day(self, moment: datetime) -> None:
        if self._day % _PLAIN_EVERY_DAYS == 0:
            figures = ", ".join(f"{self._count[topic]} {name}" for topic, name in _SHOWN.items())
            line = f"{moment:%a %d %b %Y} (day {self._day} of {self._days}): {figures}"
            self._console.print(Text(line), soft_wrap=True)
        self._day += 1

    def saw(self, facts: Sequence[Seen]) -> None:
        self._count.update(one.fact.NAME for one in facts)


class LiveTable:
    """The simulated date, counters and the latest facts in words."""

    def __init__(self, live: Live, days: int) -> None:
        self._live = live
        self._days = days
        self._day = 0
        self._moment: datetime | None = None
        self._count: Counter[str] = Counter()
        self._latest: deque[tuple[datetime, str]] = deque(maxlen=_LATEST)

    def day(self, moment: datetime) -> None:
        self._day += 1
        self._moment = moment
        self._live.update(self._picture())

    def saw(self, facts: Sequence[Seen]) -> None:
        self._count.update(one.fact.NAME for one in facts)
        self._latest.extend((one.time, words) for one in facts if (words := in_words(one.fact)))
        self._live.update(self._picture())

    def _picture(self) -> Group:
        title = f"{self._moment:%A %d %B %Y}  (day {self._day} of {self._days})" if self._moment else "Starting"
        figures = Table.grid(padding=(0, 3))
        figures.add_row(*(Text(name, style="dim") for name in _SHOWN.values()))
        figures.add_row(*(Text(str(self._count[topic]), style="bold") for topic in _SHOWN))
        lines = [Text.assemble((f"{time:%d %b %H:%M}  ", "dim"), words) for time, words in self._latest]
        return Group(Panel(figures, title=title, title_align="left"), *lines)


@contextmanager
def audience(console: Console, days: int) -> Generator[Audience]:
    """The view that suits the console."""
    if not console.is_terminal:
        yield PlainLines(console, days)
        return
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        yield LiveTable(live, days)
