"""The statement that reads the rows of many patients at once."""

from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects.postgresql import JSONB


def load_all(table: Table) -> TextClause:
    """The rows of the patients `:clinics`, `:patients` (two arrays), columns in the table's order, JSON as text."""
    columns = ", ".join(f"{c.name}::text" if isinstance(c.type, JSONB) else c.name for c in table.columns)
    return text(
        f"SELECT {columns} FROM {table.name} JOIN "  # noqa: S608  # names come from tables.py
        "unnest(CAST(:clinics AS text[]), CAST(:patients AS text[])) AS wanted (clinic_id, patient_id) "
        "USING (clinic_id, patient_id)"
    )
