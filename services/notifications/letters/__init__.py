"""From what there is to say to a mail: templates as data, times as the reader lives them."""

from services.notifications.letters.mail import Letter, Letters, message_id
from services.notifications.letters.wordings import Wordings

__all__ = ["Letter", "Letters", "Wordings", "message_id"]
