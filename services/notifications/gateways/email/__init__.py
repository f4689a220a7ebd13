"""Mail: over SMTP, signed with DKIM where a key is given; an inbox that can be asked what arrived."""

from services.notifications.gateways.email.dkim import Dkim
from services.notifications.gateways.email.inbox import Inbox
from services.notifications.gateways.email.smtp import Mail, Patience

__all__ = ["Dkim", "Inbox", "Mail", "Patience"]
