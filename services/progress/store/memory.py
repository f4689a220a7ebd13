"""Patients of the latest batches, kept in memory so that their rows need not be read again."""

from collections import OrderedDict
from typing import NamedTuple

from services.progress.domain.patient import Patient


class _Remembered(NamedTuple):
    version: int
    patient: Patient


class Memory:
    """The least recently used patients are forgotten first.

    A version names one record for good: it is never given twice, not even after a rollback. So
    what is remembered is used exactly if the database has that version, and a patient that another
    process changed, or whose change was rolled back, is simply read again.
    """

    def __init__(self, capacity: int) -> None:
        """Room for `capacity` patients, a few tens of kilobytes each."""
        self._capacity = capacity
        self._patients: OrderedDict[str, _Remembered] = OrderedDict()

    def recall(self, key: str, version: int) -> Patient | None:
        """The patient as of `version`, if that is what is remembered."""
        known = self._patients.get(key)
        if known is None or known.version != version:
            return None
        self._patients.move_to_end(key)
        return known.patient

    def remember(self, version: int, patient: Patient) -> None:
        """Keep the patient as of `version`."""
        self._patients[patient.key] = _Remembered(version, patient)
        self._patients.move_to_end(patient.key)
        while len(self._patients) > self._capacity:
            self._patients.popitem(last=False)
