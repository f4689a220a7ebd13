"""What Stride answered: counted, and held against what it should have answered."""

from collections import Counter
from collections.abc import Iterator

from stride.demo.ledger import Ledger
from stride.demo.report.look import Facts


def count_answers(ledger: Ledger, facts: Facts) -> Counter[str]:
    """Accepted, repeat and refused, one for each time that something was handed in.

    Kafka gives no answer. There the topics tell: the first record of an event is accepted where
    its fact is there, and all later ones are repeats.
    """
    there = {(one.fact.NAME, one.fact.clinic_id, one.fact.natural_key) for one in facts.seen}
    count: Counter[str] = Counter()
    seen: set[str] = set()
    for entry in ledger.entries:
        answer: str = entry.answer
        if answer == "handed-over":
            fact = entry.handing.facts[0]
            arrived = (fact.NAME, fact.clinic_id, fact.natural_key) in there
            answer = "repeat" if fact.event_id in seen else "accepted" if arrived else "refused"
        if answer != "refused":
            seen.update(fact.event_id for fact in entry.handing.facts)
        count[answer] += 1
    return count


def wrong_answers(ledger: Ledger) -> Iterator[str]:
    """What was right and refused, and what was wrong and accepted."""
    for entry in ledger.entries:
        name = entry.handing.facts[0].NAME
        if entry.answer == "refused" and not entry.handing.spoilt:
            yield f"{name}: refused with {entry.status}: {entry.reason}"
        if entry.answer != "refused" and entry.handing.spoilt:
            yield f"{name}: a reading off the scale was taken"
        if entry.answer == "refused" and not entry.reason:
            yield f"{name}: refused without a reason"
