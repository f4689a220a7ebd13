"""The outside world: each channel in a folder of its own, all of one shape (`provider.py`)."""

from services.notifications.gateways.email import Inbox, Mail, Patience
from services.notifications.gateways.outcomes import Gone, PutOff, Rejected, Uncertain, Unreachable
from services.notifications.gateways.provider import Provider

__all__ = [
    "Gone", "Inbox", "Mail", "Patience", "Provider", "PutOff", "Rejected", "Uncertain", "Unreachable",
]  # fmt: skip
