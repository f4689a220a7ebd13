"""What intake knows about one patient."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from services.intake.domain.inputs import ConditionRead, EncounterRead
from shared.events.clinical import Side, Step
from shared.events.intake import Contact
from shared.events.progress import PlanAdjustmentProposed
from shared.protocols import Protocols


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as it stands: its version and its rung on the ladder (0 is the top)."""

    plan_id: str
    protocol_id: str
    side: Side | None = None
    ladder: tuple[Step, ...] = ()
    version: int = 1
    step: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a clinician decided on a proposal; kept even when the proposal has not come yet."""

    approved: bool
    plan_id: str
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything kept about one patient as one document."""

    contact: Contact | None = None
    revision: int = 0
    """Of `contact`: the highest one holds; 0 for the details of the registration."""
    plans: Mapping[str, Plan] = field(default_factory=dict[str, Plan])
    ended: Mapping[str, str] = field(default_factory=dict[str, str])
    """Plans that are over, and why; an end may come before its plan."""
    proposals: Mapping[str, PlanAdjustmentProposed] = field(default_factory=dict[str, PlanAdjustmentProposed])
    verdicts: Mapping[str, Verdict] = field(default_factory=dict[str, Verdict])
    encounters: Mapping[str, EncounterRead] = field(default_factory=dict[str, EncounterRead])
    conditions: Mapping[str, ConditionRead] = field(default_factory=dict[str, ConditionRead])
    withdrawn: frozenset[str] = frozenset()
    """Conditions that turned out to be wrong."""
    joined: Mapping[str, str] = field(default_factory=dict[str, str])
    """Encounters that became consultations, each with its condition."""


_EMPTY_CHART: Final = Chart()
ProposalState = Literal["pending", "approved", "declined", "overtaken"]
RecordKey = tuple[str, str]
"""Name and natural key of a recorded fact, one of a kind within a clinic."""


class Record(NamedTuple):
    """That a fact was recorded: for whom, and a digest of what it said."""

    patient_id: str
    digest: str


_NO_RECORDS: Final[Mapping[RecordKey, Record]] = MappingProxyType({})


class PatientFile(NamedTuple):
    """The state that one decision is made on.

    `records` holds those of the clinic's records that the facts at hand could collide with,
    `protocols` what the stack can treat and measure.
    """

    clinic_id: str
    patient_id: str
    protocols: Protocols
    chart: Chart = _EMPTY_CHART
    records: Mapping[RecordKey, Record] = _NO_RECORDS

    def with_chart(self, **changes: object) -> "PatientFile":
        """The file with parts of its chart replaced."""
        return self._replace(chart=replace(self.chart, **changes))  # pyright: ignore[reportArgumentType]  # as replace() itself


def proposal_state(chart: Chart, proposal: PlanAdjustmentProposed) -> ProposalState:
    """How a proposal stands: still to be decided, decided, or overtaken by a change of its plan."""
    verdict = chart.verdicts.get(proposal.proposal_id)
    if verdict:
        return "approved" if verdict.approved else "declined"
    return "overtaken" if is_stale(chart, proposal) else "pending"


def is_stale(chart: Chart, proposal: PlanAdjustmentProposed) -> bool:
    """Whether the plan moved on, or is over, so that the proposal can't be applied any more.

    A plan that is not known yet may still come.
    """
    plan = chart.plans.get(proposal.plan_id)
    if proposal.plan_id in chart.ended:
        return True
    return plan is not None and (plan.version != proposal.plan_version or proposal.to_step >= len(plan.ladder))
