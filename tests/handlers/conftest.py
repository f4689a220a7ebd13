"""Fixtures that several tests share: scheduling's desk, notifications' mail server, the console's door and pages.

Tests of other services bring desks and doors of their own.
"""

from tests.handlers.console_desk import client, door
from tests.handlers.notifications_desk import post
from tests.handlers.scheduling_desk import desk, engine

__all__ = ["client", "desk", "door", "engine", "post"]
