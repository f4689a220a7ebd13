"""Intake's tables: one document per patient, an index of proposals, and what was recorded under which id."""

from sqlalchemy import Boolean, Column, Index, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

METADATA = MetaData()

PATIENT_FILE = Table(
    "patient_file",
    METADATA,
    Column("clinic_id", Text, primary_key=True),
    Column("patient_id", Text, primary_key=True),
    Column("document", JSONB, nullable=False),
)
"""`document` is the patient's `Chart`."""

PROPOSAL = Table(
    "proposal",
    METADATA,
    Column("clinic_id", Text, primary_key=True),
    Column("proposal_id", Text, primary_key=True),
    Column("patient_id", Text, nullable=False),
    Column("plan_id", Text, nullable=False),
    Column("pending", Boolean, nullable=False),
)
"""Finds proposals by clinic and id; what they say stands in the patient's document."""

Index("proposal_pending", PROPOSAL.c.clinic_id, postgresql_where=PROPOSAL.c.pending)

RECORD = Table(
    "record",
    METADATA,
    Column("clinic_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("natural_key", Text, primary_key=True),
    Column("patient_id", Text, nullable=False),
    Column("digest", Text, nullable=False),
)
"""One row per recorded fact: its id is one of a kind within the clinic."""
