"""All SQL of notifications: the patients' states, the ledger that the sender works on, the lists."""

from services.notifications.store.patients import PatientStore

__all__ = ["PatientStore"]
