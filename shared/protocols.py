"""A protocol of care as data: what is treated, how often, and how it is followed (`protocols/*.yaml`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from shared.data_files import inconsistent, read_data_file
from shared.events.base import Code, Text
from shared.events.clinical import BookingRule, CoIntervention, MilestoneRule, Phase, Side, Step
from shared.measures import MEASURE_SYSTEM, Entry, ProtocolMeasure, Source, TermCode, load_measures
from shared.protocol_checks import mistakes_in
from shared.settings import ROOT, ConfigurationInvalid

ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"


def _only_fields_of(model: type[BaseModel]) -> BeforeValidator:
    """The facts' own parts ignore unknown fields; in a data file an unknown field is a typing error."""

    def check(value: Any) -> Any:
        unknown = sorted(set(value) - set(model.model_fields)) if isinstance(value, dict) else []
        if unknown:
            raise ValueError(f"unknown field {', '.join(map(str, unknown))}")
        return value

    return BeforeValidator(check)


_Phase = Annotated[Phase, _only_fields_of(Phase)]
_Step = Annotated[Step, _only_fields_of(Step)]
_MilestoneRule = Annotated[MilestoneRule, _only_fields_of(MilestoneRule)]


class TreatedCondition(Entry):
    """A finding that the protocol treats."""

    code: Code
    """ICD-10-CM, billable."""
    title: str
    side: Side | None = None
    source: Source
    also: tuple[TermCode, ...] = ()
    """The same finding in other terminologies (SNOMED CT)."""


class Contraindication(Entry):
    """A risk that stops the plan, or that goes with it as a warning."""

    code: Code
    action: Literal["stop", "warn"]
    text: Text
    source: Source


class When(Entry):
    """Whom a customisation is for; all that is given must hold. Ages in whole years."""

    severity: tuple[Literal["mild", "moderate", "severe"], ...] = ()
    age_from: Annotated[int, Field(ge=0, le=130)] | None = None
    age_below: Annotated[int, Field(ge=1, le=130)] | None = None


class PhaseChange(Entry):
    """New values for the phase of that name, in the plan and on the ladder."""

    name: Code
    sessions_per_week: float | None = None
    weeks: int | None = None
    min_gap_days: int | None = None
    max_gap_days: int | None = None

    def applied_to(self, phase: Phase) -> Phase:
        """The phase with the new values, if it is the one meant."""
        if phase.name != self.name:
            return phase
        return Phase.model_validate(phase.model_dump() | self.model_dump(exclude_none=True))


class Customisation(Entry):
    """A rule that fits the plan to the patient; `note` says so in the plan, in plain words."""

    when: When
    phase: PhaseChange | None = None
    session_minutes: Annotated[int, Field(ge=30, le=60)] | None = None
    note: Text
    source: Source


class SourcedLimit(Entry):
    """No more than so many sessions within any so many days."""

    sessions: Annotated[int, Field(ge=1)]
    within_days: Annotated[int, Field(ge=1, le=3650)]
    source: Source


class Protocol(Entry):
    """One protocol at one version. Plans keep the version they began with."""

    protocol_id: Code
    version: Annotated[int, Field(ge=1)]
    title: str
    conditions: Annotated[tuple[TreatedCondition, ...], Field(min_length=1)]
    session_codes: tuple[TermCode, ...] = ()
    """Codes by which a FHIR Procedure is known to be a session of this protocol."""
    session_minutes: Annotated[int, Field(ge=30, le=60)]
    skill: Code
    room_kind: Code
    points: tuple[Code, ...] = ()
    """Usual needle points, WHO codes."""
    phases: Annotated[tuple[_Phase, ...], Field(min_length=1)]
    ladder: Annotated[tuple[_Step, ...], Field(min_length=2)]
    """Taper, most care first; the last step has no phases and means discharge."""
    measures: Annotated[tuple[ProtocolMeasure, ...], Field(min_length=1)]
    milestones: tuple[_MilestoneRule, ...]
    customisation: tuple[Customisation, ...] = ()
    contraindications: tuple[Contraindication, ...] = ()
    co_interventions: tuple[Annotated[CoIntervention, _only_fields_of(CoIntervention)], ...] = ()
    limits: tuple[SourcedLimit, ...] = ()
    booking: BookingRule = "best-effort"
    review_sessions: tuple[Annotated[int, Field(ge=7)], ...] = (12, 18, 24)
    """After these sessions the gain of the last six is reviewed."""
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    """Where rates, durations and the ladder come from."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if mistakes := mistakes_in(self):
            raise inconsistent(mistakes)
        return self

    def phases_for(self, rules: tuple[Customisation, ...], phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
        """`phases` after `rules`, in their order."""
        for rule in rules:
            change = rule.phase
            phases = tuple(change.applied_to(phase) for phase in phases) if change else phases
        return phases


@dataclass(frozen=True, slots=True)
class Protocols:
    """All protocols that this stack knows, and finding the right one."""

    by_id: Mapping[str, Protocol]

    def treating(self, condition: str) -> tuple[Protocol, TreatedCondition] | None:
        """The protocol for an ICD-10-CM code, if there is one."""
        return next(
            ((protocol, entry) for protocol, entry in self._conditions() if entry.code == condition),
            None,
        )

    def condition_coded(self, system: str, code: str) -> TreatedCondition | None:
        """The treated condition that a code of any terminology stands for."""
        for _, entry in self._conditions():
            if (system, code) in {(ICD_10_CM, entry.code), *((term.system, term.code) for term in entry.also)}:
                return entry
        return None

    def measure(self, name: str) -> ProtocolMeasure | None:
        """The measure of that name; all protocols read it in the same unit and range."""
        return next((entry for entry in self._measures() if entry.spec.measure == name), None)

    def measure_coded(self, system: str, code: str) -> ProtocolMeasure | None:
        """The measure that a code stands for: a public code, or its name in `urn:stride:measure`."""
        if system == MEASURE_SYSTEM:
            return self.measure(code)
        return next(
            (entry for entry in self._measures() if any((t.system, t.code) == (system, code) for t in entry.codes)),
            None,
        )

    def is_session(self, system: str, code: str) -> bool:
        """Whether a procedure code means a session of some protocol."""
        return any(
            (term.system, term.code) == (system, code)
            for protocol in self.by_id.values()
            for term in protocol.session_codes
        )

    def _conditions(self) -> list[tuple[Protocol, TreatedCondition]]:
        return [(protocol, entry) for protocol in self.by_id.values() for entry in protocol.conditions]

    def _measures(self) -> list[ProtocolMeasure]:
        return [entry for protocol in self.by_id.values() for entry in protocol.measures]


def load_protocols(folder: Path, measures: Path = ROOT / "measures") -> Protocols:
    """All protocols of `folder`, with the measures that they name.

    Raises:
        ConfigurationInvalid: no file there, a file is wrong, or two files contradict each other.
    """
    found: dict[str, Protocol] = {}
    context = {"measures": load_measures(measures)}
    for path in sorted(folder.glob("*.yaml")):
        protocol = read_data_file(path, Protocol, context)
        reason = _clash(found, protocol)
        if reason:
            raise ConfigurationInvalid(f"{path}: {reason}.")
        found[protocol.protocol_id] = protocol
    if not found:
        raise ConfigurationInvalid(f"No protocol in {folder}: add a file such as {folder}/foot-drop-acupuncture.yaml.")
    return Protocols(found)


def _clash(found: Mapping[str, Protocol], protocol: Protocol) -> str:
    if protocol.protocol_id in found:
        return f"another file already describes protocol {protocol.protocol_id}"
    known = Protocols(found)
    taken = next((condition.code for condition in protocol.conditions if known.treating(condition.code)), "")
    return f"another protocol already treats {taken}" if taken else ""
