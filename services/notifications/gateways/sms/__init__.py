"""SMS: a gateway that keeps to our contract (docs/notifications.md), or Twilio's API."""

from services.notifications.gateways.sms.gateway import SmsGateway
from services.notifications.gateways.sms.twilio import Twilio

__all__ = ["SmsGateway", "Twilio"]
