"""The judge sees what is lost, doubled and turned round, and nothing where all is well."""

import pytest

from tests.faults.harness.judge import SOURCE, Observed, Verdict, judge

INTENDED = {"a": [0, 1, 2], "b": [0]}
KEPT = {"a": [("a0", 0), ("a1", 1), ("a2", 2)], "b": [("b0", 0)]}


def verdict(observed: Observed) -> Verdict:
    found = Verdict("some", 1)
    judge(found, INTENDED, observed)
    return found


def figures(found: Verdict) -> tuple[int, int, int]:
    return found.lost, found.duplicated, found.out_of_order


def test_what_is_all_there_is_clean() -> None:
    found = verdict(Observed(INTENDED, KEPT))
    assert found.clean
    assert found.sent == 4


@pytest.mark.parametrize(
    ("effects", "published", "expected"),
    [
        ({"a": [0, 2], "b": [0]}, KEPT, (1, 0, 0)),
        (INTENDED, {"a": KEPT["a"][:1], "b": KEPT["b"]}, (2, 0, 0)),
        ({"a": [0, 1, 1, 2], "b": [0]}, KEPT, (0, 1, 0)),
        (INTENDED, {**KEPT, "b": [("b0", 0), ("b0-again", 0)]}, (0, 1, 0)),
        ({"a": [0, 2, 1], "b": [0]}, KEPT, (0, 0, 1)),
        (INTENDED, {**KEPT, "a": [("a2", 2), ("a0", 0), ("a1", 1)]}, (0, 0, 2)),
    ],
    ids=["not applied", "not published", "applied twice", "published under two ids", "applied late", "published late"],
)
def test_what_is_wrong_is_counted(
    effects: dict[str, list[int]], published: dict[str, list[tuple[str, int]]], expected: tuple[int, int, int]
) -> None:
    found = verdict(Observed(effects, published))
    assert figures(found) == expected
    assert not found.clean


def test_a_record_that_was_sent_again_under_its_id_is_counted_and_allowed() -> None:
    found = verdict(Observed(INTENDED, {**KEPT, "a": [*KEPT["a"], *KEPT["a"][:2]]}))
    assert found.clean
    assert found.resent == 2


def test_what_is_parked_is_not_lost() -> None:
    found = verdict(Observed({"a": [0], "b": [0]}, {**KEPT, "a": KEPT["a"][:1]}, {"a": [1, 2]}))
    assert figures(found) == (0, 0, 0)
    assert found.parked == 2


def test_order_holds_within_a_source_and_not_across() -> None:
    found = Verdict("some", 1)
    both = [SOURCE, 0, SOURCE + 1, 1]
    judge(found, {"a": both}, Observed({"a": both}, {"a": [(str(number), number) for number in both]}))
    assert found.clean


def test_effects_that_nobody_intended_and_stale_decisions_are_problems() -> None:
    assert not verdict(Observed({**INTENDED, "c": [7]}, KEPT)).clean
    assert not verdict(Observed(INTENDED, KEPT, stale=1)).clean
