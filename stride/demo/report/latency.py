"""How long it takes from the answer 202 to the staff alert, in wall time."""

from collections.abc import Sequence
from statistics import quantiles

from shared.events.notifications import AlertRaised
from stride.demo.ledger import Ledger
from stride.demo.report.look import Facts

_TENTHS_OF_PERCENT = 1000


def latencies(ledger: Ledger, facts: Facts) -> list[float]:
    """Milliseconds from the 202 to the alert's record on Kafka, one for each alert that an event
    over HTTP led to. The two are linked by `ce_correlationid`."""
    answered: dict[str, float] = {}
    for entry in ledger.entries:
        if entry.answer == "accepted":
            answered.setdefault(entry.handing.event_id, entry.answered_at)
    return [
        max(0.0, (alert.written_at - answered[alert.correlation_id]) * 1000)
        for alert in facts.seen_of(AlertRaised)
        if alert.correlation_id in answered
    ]


def percentiles(values: Sequence[float]) -> dict[str, float | None]:
    """p50, p95 and p99; None where there are no values."""
    if not values:
        return {"p50": None, "p95": None, "p99": None}
    cuts = quantiles([*values, *values], n=_TENTHS_OF_PERCENT, method="inclusive")
    return {name: round(cuts[place - 1], 1) for name, place in (("p50", 500), ("p95", 950), ("p99", 990))}
