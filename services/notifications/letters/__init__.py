"""From what there is to say to a message: templates as data, in the reader's language and time."""

from services.notifications.letters.mail import Letters, message_id
from services.notifications.letters.wordings import Wordings

__all__ = ["Letters", "Wordings", "message_id"]
