"""States, receipts and routes: rules that need no server."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.receipts import Receipt
from services.notifications.domain.state import IN_HAND, OPEN, DeliveryState
from services.notifications.domain.timers import MISFIRE_GRACE, lapsed
from services.notifications.domain.transitions import TRANSITIONS
from services.notifications.gateways.http_calls import retry_after
from services.notifications.gateways.webhooks import check_address
from services.notifications.gateways.webhooks.guarded import is_public
from services.notifications.sender.route import Breaker
from tests.domain.notifications_examples import NOW

S = DeliveryState


def test_every_state_has_its_transitions_and_none_leads_back_from_an_end() -> None:
    assert set(TRANSITIONS) == set(S)
    reachable = {S.PLANNED}
    while more := {after for state in reachable for after in TRANSITIONS[state]} - reachable:
        reachable |= more
    assert reachable == set(S)
    settled = set(S) - OPEN - IN_HAND
    assert all(not TRANSITIONS[state] & (OPEN | IN_HAND) for state in settled)


REPORTS = st.lists(
    st.builds(
        Receipt,
        delivery_id=st.just("d"),
        state=st.sampled_from([S.ACCEPTED, S.DELIVERED, S.UNDELIVERED, S.BOUNCED]),
        sequence=st.integers(0, 3),
    ),
    min_size=1,
    max_size=4,
)


@given(REPORTS)
def test_in_whatever_order_receipts_come_the_same_one_stands_highest(reports: list[Receipt]) -> None:
    ends = {max(order, key=lambda receipt: receipt.standing).state for order in permutations(reports)}
    assert len(ends) == 1
    final = [receipt for receipt in reports if receipt.state is not S.ACCEPTED]
    assert not final or ends != {S.ACCEPTED}


def test_a_later_sequence_corrects_what_became_of_a_message() -> None:
    undelivered, delivered = Receipt("d", S.UNDELIVERED, 4), Receipt("d", S.DELIVERED, 7)
    assert delivered.standing > undelivered.standing
    assert Receipt("d", S.UNDELIVERED, 9).standing > delivered.standing


def test_timers_that_were_missed_go_late_are_dropped_or_end_with_their_validity() -> None:
    late = NOW + MISFIRE_GRACE * 2
    assert lapsed(None, "send_now", NOW, late) == ""
    assert lapsed(None, "skip", NOW, NOW + MISFIRE_GRACE) == ""
    assert lapsed(None, "skip", NOW, late) == "misfired"
    assert lapsed(late, "send_now", NOW, late) == "too-late"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "::1", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "2002:7f00:1::",
    ],
)  # fmt: skip
def test_private_addresses_are_not_public_however_they_are_written(address: str) -> None:
    assert not is_public(address)


def test_public_addresses_are() -> None:
    assert is_public("93.184.215.14")
    assert is_public("2606:2800:21f:cb07:6820:80da:af6b:8b2c")


@pytest.mark.parametrize(
    "url",
    ["http://example.org/hook", "https://user:pw@example.org/", "https://127.0.0.1/", "https://[::1]/", "ftp://x.org",
     "https://", "https://example.org:99999/", "https://example.org/#part"],
)  # fmt: skip
def test_a_subscription_to_an_unfit_address_is_refused(url: str) -> None:
    assert check_address(url)


def test_a_subscription_to_a_public_name_is_fine() -> None:
    assert check_address("https://clinic.example.org/hooks?of=stride") is None


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("-1", 0.0), ("1e9", 86_400.0), ("soon", None), (None, None)]
)
def test_retry_after_is_heeded_as_far_as_it_makes_sense(header: str | None, seconds: float | None) -> None:
    assert retry_after(header) == seconds


def test_a_breaker_opens_lets_one_try_and_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("services.notifications.sender.route.time.monotonic", lambda: clock[0])
    breaker = Breaker()
    breaker.failed()
    breaker.failed()
    assert breaker.state == "open"
    clock[0] += 0.21
    assert breaker.state == "half-open"
    breaker.begin()
    assert breaker.state == "open"
    breaker.failed()
    clock[0] += 0.21
    assert breaker.state == "open"
    clock[0] += 0.21
    breaker.begin()
    breaker.worked()
    assert breaker.state == "closed"
