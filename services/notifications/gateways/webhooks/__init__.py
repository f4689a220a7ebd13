"""Webhooks to clinic systems, by the Standard Webhooks specification."""

from services.notifications.gateways.webhooks.calls import Webhooks
from services.notifications.gateways.webhooks.guarded import AddressRefused, Guarded, check_address
from services.notifications.gateways.webhooks.signing import new_secret

__all__ = ["AddressRefused", "Guarded", "Webhooks", "check_address", "new_secret"]
