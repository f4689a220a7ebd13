"""What all facts have in common: frozen, versioned, keyed by clinic, and by patient where it is about one."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from shared.ids import derived_id, patient_key

T = TypeVar("T")

_YEARS = range(1900, 2200)


def _to_utc(moment: datetime) -> datetime:
    # Outside these years, arithmetic on moments could overflow: a stranger's year 9999 must not stop a consumer.
    if moment.year not in _YEARS:
        raise ValueError(f"the year must lie between {_YEARS[0]} and {_YEARS[-1]}")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An instant of the years 1900 to 2199. Any offset is read; UTC is kept and written."""

Identifier = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]
"""An opaque id given by a clinic system or by Stride: letters, digits, `.`, `_`, `:`, `-`."""

Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
"""A code of a terminology, a measure or a protocol."""

Text = Annotated[str, Field(max_length=2000)]
"""Free text. It never goes into logs, metrics or errors."""


class derived(cached_property[T]):  # noqa: N801  # as the one it stands for
    """A `cached_property` without the lock that makes the first look at it slow (until Python 3.12)."""

    def __get__(self, instance: object, owner: type[Any] | None = None) -> Any:
        if instance is None:
            return self
        value = vars(instance)[self.func.__name__] = self.func(instance)
        return value


class Part(BaseModel):
    """A value inside a fact. Unknown fields are ignored, so that older readers can read newer facts."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, ignored_types=(derived,))


class Fact(Part):
    """Something that happened in one clinic: to a patient (`PatientFact`) or to the clinic (`ClinicFact`).

    `NAME` is the topic and, as `clinic.<NAME>.v<VERSION>`, the CloudEvents type. Two facts with
    the same `natural_key` are the same fact: their event ids are equal.
    """

    NAME: ClassVar[str]
    VERSION: ClassVar[int] = 1

    clinic_id: Identifier

    @property
    def natural_key(self) -> str:
        """What makes this fact one of a kind within its clinic and type."""
        raise NotImplementedError

    @property
    def subject(self) -> str:
        """The CloudEvents subject: the id of the thing the fact is about."""
        return self.natural_key.split("/", 1)[0]

    @derived
    def key(self) -> str:
        """The Kafka record key: facts of one key stay in order."""
        raise NotImplementedError

    @derived
    def event_id(self) -> str:
        """The CloudEvents id, derived from the natural key."""
        return derived_id(self.wire_type(), self.clinic_id, self.natural_key)

    @derived
    def document(self) -> bytes:
        """The fact as JSON, without fields that are not set: what travels."""
        return self.model_dump_json(exclude_none=True).encode()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values, whose key, event id and document follow from these."""
        copy = super().model_copy(update=update, deep=deep)
        for derived in ("key", "event_id", "document"):
            vars(copy).pop(derived, None)
        return copy

    @classmethod
    @cache
    def wire_type(cls) -> str:
        """The CloudEvents type, for instance `clinic.plan.created.v1`."""
        return f"clinic.{cls.NAME}.v{cls.VERSION}"


class PatientFact(Fact):
    """Something that happened to one patient."""

    patient_id: Identifier

    @derived
    def key(self) -> str:
        """`<clinic_id>/<patient_id>`."""
        return patient_key(self.clinic_id, self.patient_id)


class ClinicFact(Fact):
    """Something about the clinic as a whole."""

    @derived
    def key(self) -> str:
        """The clinic's id, which no patient's key is: those have a slash."""
        return self.clinic_id


def of_patients(facts: Iterable[Fact]) -> list[PatientFact]:
    """Those of the facts that are about a patient."""
    return [fact for fact in facts if isinstance(fact, PatientFact)]
