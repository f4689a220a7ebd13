"""How an alert stands by its facts, whatever order they come in."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.domain.alerts import Alert, AlertChange, AlertState, follow
from shared.events.notifications import (
    AlertAcknowledged,
    AlertAssigned,
    AlertEscalated,
    AlertRaised,
    AlertResolved,
    AlertSnoozed,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
WHO: dict[str, Any] = {"clinic_id": "c", "patient_id": "p", "alert_id": "a"}
RAISED = AlertRaised(**WHO, kind="regression", severity="warning", owner="st-ada", title="Worse", raised_at=NOW)


def taken(revision: int | None) -> AlertAcknowledged:
    return AlertAcknowledged(**WHO, acknowledged_by="st-ada", acknowledged_at=NOW, revision=revision)


def handed_on(revision: int, owner: str) -> AlertAssigned:
    return AlertAssigned(**WHO, revision=revision, owner=owner, assigned_by="st-ada", assigned_at=NOW)


def put_off(revision: int) -> AlertSnoozed:
    until = NOW + timedelta(days=revision)
    return AlertSnoozed(**WHO, revision=revision, until=until, snoozed_by="st-ada", snoozed_at=NOW)


def asked_again(revision: int) -> AlertEscalated:
    told: dict[str, Any] = {"owner": "st-omar", "step": 1, "reason": "unacknowledged", "escalated_at": NOW}
    return AlertEscalated(**WHO, revision=revision, **told)


def over(revision: int) -> AlertResolved:
    return AlertResolved(**WHO, revision=revision, resolution="done", resolved_by="st-ben", resolved_at=NOW)


def after(*facts: AlertChange) -> Alert:
    return reduce(follow, facts, Alert("a"))


@pytest.mark.parametrize(
    ("facts", "state", "owner"),
    [
        ([RAISED], "open", "st-ada"),
        ([RAISED, taken(None)], "acknowledged", "st-ada"),
        ([RAISED, handed_on(2, "st-ben")], "open", "st-ben"),
        ([RAISED, asked_again(2), taken(3)], "acknowledged", "st-omar"),
        ([RAISED, taken(2), asked_again(3)], "open", "st-omar"),
        ([RAISED, taken(2), put_off(3)], "snoozed", "st-ada"),
        ([RAISED, put_off(2), handed_on(3, "st-ben")], "snoozed", "st-ben"),
        ([RAISED, put_off(2), taken(3)], "acknowledged", "st-ada"),
        ([RAISED, put_off(2), asked_again(3)], "open", "st-omar"),
        ([RAISED, taken(2), over(3)], "resolved", "st-ada"),
    ],
)
def test_an_alert_stands_as_its_latest_change_has_it(facts: list[AlertChange], state: AlertState, owner: str) -> None:
    alert = after(*facts)
    assert (alert.state, alert.owner) == (state, owner)
    assert alert.revision == len(facts)
    assert (alert.title, alert.severity) == ("Worse", "warning")


STORY: list[AlertChange] = [RAISED, taken(2), put_off(3), asked_again(4), handed_on(5, "st-ben"), taken(6), over(7)]


@given(st.permutations(STORY), st.lists(st.sampled_from(STORY), max_size=4))
def test_any_order_and_repetition_ends_in_the_same_alert(order: list[AlertChange], again: list[AlertChange]) -> None:
    assert after(*order, *again) == after(*STORY)


def test_what_became_of_an_alert_may_come_before_what_it_is_about() -> None:
    assert after(taken(2)).raised_at is None
    assert after(taken(2), RAISED).state == "acknowledged"
