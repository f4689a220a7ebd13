"""Staff chat: Slack, Teams, Matrix and a hundred others, by their Apprise addresses."""

from services.notifications.gateways.chat.apprise import Chat

__all__ = ["Chat"]
