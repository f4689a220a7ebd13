"""Patients of the latest batches, kept in memory so that their rows need not be read again."""

from collections import OrderedDict
from typing import NamedTuple

from services.progress.domain.patient import Patient


class _Remembered(NamedTuple):
    version: int
    patient: Patient
    rows: int


class Memory:
    """The least recently used patients are forgotten first.

    A version is the number of the transaction that wrote it, which is never given twice, not even
    after a rollback. So what is remembered is used exactly if the database has that version, and a
    patient that another process changed, or whose change was rolled back, is simply read again.
    """

    def __init__(self, capacity: int) -> None:
        """Room for patients with so many rows in all, at least one each; a row takes 1,500 bytes with its verdicts."""
        self._room = capacity
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
        key, record = patient.key, patient.record
        rows = 1 + len(record.sessions) + len(record.readings) + len(record.published)
        known = self._patients.pop(key, None)
        self._patients[key] = _Remembered(version, patient, rows)
        self._room += (known.rows if known else 0) - rows
        while self._room < 0:
            _, forgotten = self._patients.popitem(last=False)
            self._room += forgotten.rows
