"""All SQL of progress. A batch is loaded and saved by a few statements, however many patients it has."""

from services.progress.store.records import RecordStore, record_with_plan

__all__ = ["RecordStore", "record_with_plan"]
