"""The simulated clinic by which the policy of booking was chosen."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from benchmarks.scheduling.clinic.measures import measures
from benchmarks.scheduling.clinic.policies import POLICIES, offer_by_gain
from benchmarks.scheduling.clinic.setting import OPENS, WEEK, Setting, plans
from benchmarks.scheduling.clinic.world import OnOffer, World
from tests.domain.scheduling_examples import overlaps

SMALL = Setting(arrivals=18, warm_up=1, weeks=4)


def lived(policy: str, seed: int = 1) -> World:
    chosen = POLICIES[policy]
    return World(SMALL, seed, chosen.decide, chosen.refill).run()


@pytest.mark.parametrize("policy", POLICIES)
def test_each_policy_books_nobody_twice_and_its_measures_are_shares(policy: str) -> None:
    world = lived(policy)
    assert overlaps(world.schedule) == []
    found = measures(world)
    assert all(0 <= found[name] <= 1 for name in ("spacing", "within_bounds", "continuity", "use", "refill"))
    assert world.held
    assert (found["offers_per_slot"] > 0) is (POLICIES[policy].refill is not None)


def test_nobody_is_offered_what_they_left_themselves_and_each_time_goes_to_three_at_most() -> None:
    times = list[OnOffer]()

    def noting(world: World, time: OnOffer, patients: Iterable[str]) -> int:
        times.append(time)
        return offer_by_gain(world, time, patients)

    World(SMALL, 1, POLICIES["stride"].decide, noting).run()
    assert any(each.asked for each in times)
    assert all(each.left_by not in each.asked and len(set(each.asked)) == len(each.asked) <= 3 for each in times)


def test_a_seed_is_one_run() -> None:
    assert measures(lived("stride")) == measures(lived("stride"))
    assert measures(lived("stride")) != measures(lived("stride", seed=2))


def test_as_many_plans_come_as_the_setting_says_and_all_policies_meet_the_same() -> None:
    setting = Setting(arrivals=14, weeks=400)
    came = [at for at, _ in plans(setting, 1)]
    assert len(came) / 400 == pytest.approx(14, rel=0.05)
    assert all(at.weekday() < 5 and timedelta() <= at - OPENS < WEEK * 400 for at in came)
    assert lived("next_visit").came == lived("stride").came


def test_about_as_many_cancel_and_miss_as_the_setting_says() -> None:
    world = lived("next_visit")
    (states,) = [[a.status for p in world.schedule.patients.values() for c in p.courses.values()
                  for a in c.appointments.values() if a.end < world.now]]  # fmt: skip
    share = {status: states.count(status) / len(states) for status in ("cancelled", "noshow")}
    assert share["cancelled"] == pytest.approx(SMALL.cancelled, abs=0.06)
    assert share["noshow"] == pytest.approx(SMALL.missed * (1 - SMALL.cancelled), abs=0.05)
