"""The flow map follows `shared/flow.py`, and its figures what Kafka says at two moments."""

import re

from services.console.api.flow_chart import drawn
from services.console.api.numbers import age, rate
from services.console.domain.flow_map import OUTSIDE, Moment, arrows, carried
from shared.flow import FLOW, INBOUND_TOPIC, consumed_topics


def test_there_is_an_arrow_for_every_topic_that_somebody_reads() -> None:
    for target in FLOW:
        drawn_topics = {topic for arrow in arrows() if arrow.target == target for topic in arrow.topics}
        assert drawn_topics == set(consumed_topics(target))
    (outside,) = [arrow for arrow in arrows() if INBOUND_TOPIC in arrow.topics]
    assert (outside.source, outside.target) == (OUTSIDE, "intake")


def test_rate_lag_and_age_are_those_of_the_arrows_topics() -> None:
    before = Moment(1_000.0, {"session.logged": 100, "plan.created": 7})
    now = Moment(
        1_060.0, {"session.logged": 400, "plan.created": 7}, {("progress", "session.logged"): 12},
        {("progress", "session.logged"): 1_050.0},
    )  # fmt: skip
    by_ends = {(one.arrow.source, one.arrow.target): one for one in carried([before, now])}
    busy, idle = by_ends["intake", "progress"], by_ends["progress", "notifications"]
    assert (busy.per_second, busy.waiting, busy.oldest_seconds) == (5.0, 12, 10.0)
    assert (idle.per_second, idle.waiting, idle.oldest_seconds) == (0.0, 0, None)


def test_what_is_not_known_is_not_said() -> None:
    assert {one.waiting for one in carried([])} == {one.per_second for one in carried([])} == {None}
    assert {one.per_second for one in carried([Moment(1.0)])} == {None}


def test_the_picture_has_every_service_and_every_arrow_between_two() -> None:
    flow = carried([])
    picture = drawn(flow, {"progress": "✓ <3>"}, {one: ["–"] for one in flow})
    assert set(re.findall(r'class="name">([a-z]+)<', picture)) == {OUTSIDE, *FLOW}
    between = [one for one in flow if one.arrow.source != one.arrow.target]
    assert picture.count('class="arrow"') == len(between)
    assert "&lt;3&gt;" in picture
    boxes = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', picture)
    places = [tuple(map(float, box)) for box in boxes]
    for number, one in enumerate(places):
        assert all(_apart(one, other) for other in places[number + 1 :])


def _apart(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    (x, y, width, height), (left, top, wide, high) = one, other
    return x + width <= left or left + wide <= x or y + height <= top or top + high <= y


def test_figures_are_short() -> None:
    assert [age(seconds) for seconds in (None, -1, 59.9, 60, 7_200, 200_000)] == [
        "–",
        "0 s",
        "59 s",
        "1 min",
        "2 h",
        "2 d",
    ]
    assert [rate(given) for given in (None, 0, 2_000, 0.5, 0.001)] == ["–", "0/h", "2,000/s", "30/min", "4/h"]
