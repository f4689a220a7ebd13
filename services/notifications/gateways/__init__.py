"""The outside world: a mail server that takes messages, an inbox that can be asked what arrived."""

from services.notifications.gateways.inbox import Inbox, InboxUnreachable
from services.notifications.gateways.smtp import Mail, MailDeferred, MailRejected, MailUncertain, MailUnreachable

__all__ = ["Inbox", "InboxUnreachable", "Mail", "MailDeferred", "MailRejected", "MailUncertain", "MailUnreachable"]
