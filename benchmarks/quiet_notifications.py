"""Notifications without its sender: what is measured is how it keeps its books, not a mail server."""

from dataclasses import replace

from services.notifications.main import SERVICE
from shared.messaging.service import run

if __name__ == "__main__":
    run(replace(SERVICE, background=()))
