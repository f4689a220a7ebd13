"""Rows of the console, in its own schema. Every key begins with clinic and patient."""

from sqlalchemy import Column, Date, Double, Index, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

METADATA = MetaData()


def _table(name: str, *columns: Column[object]) -> Table:
    clinic, patient = (Column(key, Text, primary_key=True) for key in ("clinic_id", "patient_id"))
    return Table(name, METADATA, clinic, patient, *columns)


FACT = _table(
    "fact",
    Column("slot", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
)
"""A patient's facts; the clinic's own have no patient id. `type` is CloudEvents'.

`slot` is the event id, and `contact` for the newest of `patient.*`.
"""

WEEKLY = _table(
    "weekly",
    Column("plan_id", Text, primary_key=True),
    Column("figure", Text, primary_key=True),
    Column("week", Date, primary_key=True),
    Column("protocol_id", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("total", Double, nullable=False),
    Column("number", Integer, nullable=False),
)
"""What a course adds to a figure of the clinic in a week (its Monday): the sum and the number of its values."""

Index("weekly_of_protocol", WEEKLY.c.clinic_id, WEEKLY.c.protocol_id, WEEKLY.c.figure, WEEKLY.c.week)

RESOURCE = Table(
    "resource",
    METADATA,
    Column("clinic_id", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("patient_id", Text, nullable=False),
)
"""Whose FHIR resource it is; what it says follows from the patient's facts."""
