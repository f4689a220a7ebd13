"""The sender: claims what is due, looks again, hands it over, writes down how it went.

A claim is committed before the call and its result after it. Where a result is lost with its
process, the claim's lease runs out and the message counts as perhaps sent: an inbox that can be
asked decides; without one a patient's message becomes `unknown` and is never sent again, and one
to staff is sent again.
"""

from services.notifications.sender.courier import Courier
from services.notifications.sender.loop import Sender
from services.notifications.sender.pace import Pace

__all__ = ["Courier", "Pace", "Sender"]
