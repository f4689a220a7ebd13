"""What FHIR resources bring that is no fact yet: a patient's details, and the two halves of a consultation.

They go through the door like facts but never leave intake.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.events.base import Code, Identifier, Moment, PatientFact
from shared.events.clinical import Side
from shared.events.intake import Contact


class PatientRead(PatientFact):
    """A FHIR Patient: new to us, changed, or the same as before."""

    NAME: ClassVar[str] = "fhir.patient"
    contact: Contact
    revision: Annotated[int, Field(ge=1)] | None = None
    """From `meta`; where it is missing, what arrives last holds."""
    recorded_at: Moment | None = None

    @property
    def natural_key(self) -> str:
        return self.patient_id


class EncounterRead(PatientFact):
    """A finished FHIR Encounter: a consultation, once the condition found in it is known."""

    NAME: ClassVar[str] = "fhir.encounter"
    encounter_id: Identifier
    completed_at: Moment
    practitioner_id: Identifier | None = None
    findings: tuple[Identifier, ...] = ()
    """Conditions that the Encounter names."""
    contraindications: tuple[Code, ...] = ()

    @property
    def natural_key(self) -> str:
        return self.encounter_id


class ConditionRead(PatientFact):
    """A confirmed FHIR Condition that some protocol treats."""

    NAME: ClassVar[str] = "fhir.condition"
    condition_id: Identifier
    code: Code
    """ICD-10-CM."""
    side: Side | None = None
    severity: Literal["mild", "moderate", "severe"] = "moderate"
    encounter_id: Identifier | None = None
    """The encounter in which it was found, where the Condition says so."""
    withdrawn: bool = False
    """Entered in error or refuted: it must not become a plan."""

    @property
    def natural_key(self) -> str:
        return self.condition_id
