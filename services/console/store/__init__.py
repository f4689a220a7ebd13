"""All SQL of the console: facts and what follows from them, and who has signed in and what they did."""

from services.console.store.facts import FileStore, facts_of, patient_with
from services.console.store.figures import WeekRow, weekly_figures

__all__ = ["FileStore", "WeekRow", "facts_of", "patient_with", "weekly_figures"]
