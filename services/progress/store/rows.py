"""How each part of a patient's record lies in its table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import Any

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Table

from services.progress import tables
from services.progress.domain.record import (
    Adjustment,
    AdverseEvent,
    Curve,
    Plan,
    ProposalAnswer,
    Published,
    Reading,
    Session,
    Subject,
    Terms,
)
from shared.events.progress import Evidence

Row = Sequence[Any]

_TERMS = TypeAdapter(Terms)
_CURVES = TypeAdapter(tuple[Curve, ...])
_NO_CURVES = "[]"


@dataclass(frozen=True)
class Part:
    """One mapping of the record and its table; `read` and `write` leave clinic and patient aside."""

    field: str
    table: Table
    read: Callable[[Row], tuple[Any, Any]]
    write: Callable[[Any, Any], Row]

    @cached_property
    def columns(self) -> list[str]:
        """The names of the table's columns, in order."""
        return [column.name for column in self.table.columns]


def _read_plan(row: Row) -> tuple[str, Plan]:
    plan_id, terms, adjustments, ended_at, curves = row
    entered = () if curves == _NO_CURVES else _CURVES.validate_json(curves)
    return plan_id, Plan(plan_id, _terms(terms) if terms else None, _adjustments(adjustments), ended_at, entered)


def _write_plan(_: str, plan: Plan) -> Row:
    terms = _TERMS.dump_json(plan.terms).decode() if plan.terms else None
    adjustments = orjson.dumps([list(entry) for entry in plan.adjustments]).decode()
    curves = _CURVES.dump_json(plan.curves).decode() if plan.curves else _NO_CURVES
    return plan.plan_id, terms, adjustments, plan.ended_at, curves


@lru_cache(maxsize=512)
def _terms(document: str) -> Terms:
    """Patients of one protocol share their terms: parsed once."""
    return _TERMS.validate_json(document)


def _adjustments(document: str) -> tuple[Adjustment, ...]:
    entries = orjson.loads(document)
    return tuple(Adjustment(version, step, date.fromisoformat(day)) for version, step, day in entries)


def _read_published(row: Row) -> tuple[Subject, Published]:
    kind, plan_id, name, number, standing, evidence, cause = row
    told = Evidence.model_validate_json(evidence) if evidence else None
    return Subject(kind, plan_id, name), Published(number, standing, told, cause)


def _write_published(subject: Subject, published: Published) -> Row:
    evidence = published.evidence.model_dump_json(exclude_none=True) if published.evidence else None
    return *subject, published.number, published.standing, evidence, published.cause


def _as_is(_: object, item: Row) -> Row:
    return item


PARTS = (
    Part("plans", tables.PLAN, _read_plan, _write_plan),
    Part("sessions", tables.SESSION, lambda row: (row[0], Session._make(row)), _as_is),
    Part("readings", tables.READING, lambda row: (row[0], Reading._make(row)), _as_is),
    Part("adverse_events", tables.ADVERSE_EVENT, lambda row: ((row[0], row[1]), AdverseEvent._make(row)), _as_is),
    Part("answers", tables.ANSWER, lambda row: (row[0], ProposalAnswer._make(row)), _as_is),
    Part("published", tables.PUBLISHED, _read_published, _write_published),
)
