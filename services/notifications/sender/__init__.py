"""The sender: fires timers, claims what is ready, looks again, hands it over, writes down how it went.

A claim is committed first, then that the message is handed over, then, after the call, its result.
Where a process is lost after the second, the message counts as perhaps sent once the lease has run
out: the provider is asked, if it can be; else a patient's message becomes `unknown` and is never sent
again, and one to staff is sent again.
"""

from services.notifications.sender.alarm import Alarm
from services.notifications.sender.composer import Composer
from services.notifications.sender.courier import Courier
from services.notifications.sender.daily import DailyRound
from services.notifications.sender.loop import Sender
from services.notifications.sender.pace import Pace
from services.notifications.sender.route import Outlet, Route
from services.notifications.sender.writer import Writer

__all__ = ["Alarm", "Composer", "Courier", "DailyRound", "Outlet", "Pace", "Route", "Sender", "Writer"]
