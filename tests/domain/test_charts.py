"""Charts as an XML parser sees them: well formed, every value there, nothing outside the picture."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.charts import (
    STYLE,
    Band,
    CourseChart,
    Mark,
    Picture,
    ReadingPoint,
    RunChart,
    RunPoint,
    course_chart,
    document,
    run_chart,
    within,
)
from shared.charts.figure import HEIGHT, WIDTH

SVG = "{http://www.w3.org/2000/svg}"
MONDAY = date(2026, 1, 5)
values = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))


def moment(day: float) -> datetime:
    return datetime(2026, 1, 5, 9, tzinfo=UTC) + timedelta(days=day)


COURSE = CourseChart(
    unit="points",
    readings=[ReadingPoint(moment(day), value, day < 6) for day, value in enumerate([6, 7, 5, 6, 6, 5, 3, 2, 2, 5, 6])],
    baseline=Band(6, 5, 7),
    targets=[("target", 3.6), ("target", 3.0)],
    marks=[
        Mark(moment(8), 2, "reached", "Pain down by 40%"),
        Mark(moment(7), 2, "taken back", "Pain down by 30%"),
        Mark(moment(10), 6, "worse", "Pain"),
    ],
)


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg.encode())


def places(picture: ET.Element) -> Iterator[tuple[float, float]]:
    """Every point that something is drawn at."""
    for node in picture.iter():
        for x, y in (("x", "y"), ("cx", "cy"), ("x1", "y1"), ("x2", "y2")):
            if x in node.attrib:
                yield float(node.attrib[x]), float(node.attrib[y])
        numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", node.attrib.get("points", ""))]
        yield from zip(numbers[::2], numbers[1::2], strict=True)


def check_picture(picture: ET.Element) -> None:
    assert picture.attrib["viewBox"] == f"0 0 {WIDTH} {HEIGHT}"
    labels = picture.attrib["aria-labelledby"].split()
    named = {node.attrib["id"]: node.text for node in picture.iter() if "id" in node.attrib}
    assert all(named[label] for label in labels)
    for x, y in places(picture):
        assert 0 <= x <= WIDTH, x
        assert 0 <= y <= HEIGHT, y
    assert not any(node.tag == f"{SVG}script" for node in picture.iter())
    assert not any("style" in node.attrib or "fill" in node.attrib for node in picture.iter())


def run(*numbers: float, note: str = "") -> RunChart:
    points = [RunPoint(MONDAY + timedelta(weeks=at), number, "") for at, number in enumerate(numbers)]
    points[-1] = points[-1]._replace(note=note)
    return RunChart("points", points, [("mean", sum(numbers) / len(numbers)), ("lower", min(numbers) - 1)])


@settings(deadline=None)
@given(st.lists(values, min_size=1, max_size=60))
def test_a_run_chart_shows_every_week_within_the_picture(numbers: list[float]) -> None:
    picture = parsed(document(Picture("Title", "Description", run_chart(run(*numbers)))))
    check_picture(picture)
    assert len(list(picture.iter(f"{SVG}circle"))) == len(numbers)


def test_a_week_that_stands_out_has_a_shape_of_its_own_and_says_why() -> None:
    picture = parsed(document(Picture("Title", "Description", run_chart(run(1, 2, 3, note="One week beyond a limit")))))
    (diamond,) = picture.iter(f"{SVG}polygon")
    assert "One week beyond a limit" in (diamond[0].text or "")
    assert len(list(picture.iter(f"{SVG}circle"))) == 2


def test_text_is_escaped_and_a_page_needs_no_inline_style() -> None:
    hostile = '</title><script>alert("1")</script>'
    svg = within(Picture(hostile, hostile, run_chart(run(1, 2))), name="a")
    picture = parsed(svg)
    check_picture(picture)
    assert picture[0].text == hostile
    assert "<style" not in svg
    assert "<style" in document(Picture("t", "d", run_chart(run(1, 2))))


def test_every_class_of_a_chart_is_styled_for_light_and_dark() -> None:
    used = set(
        re.findall(
            r'class="([a-z -]+)"', document(Picture("t", "d", run_chart(run(1, 2, note="n")) + course_chart(COURSE)))
        )
    )
    for name in {word for names in used for word in names.split()} - {"chart"}:
        assert STYLE.count(f".{name} ") + STYLE.count(f".{name}.") >= 2, name


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 400), values, st.booleans()), min_size=1, max_size=60),
    st.lists(values, max_size=3),
    st.sampled_from(["reached", "taken back", "worse"]),
    st.booleans(),
)
def test_a_course_chart_shows_every_reading_target_and_mark_within_the_picture(
    taken: list[tuple[float, float, bool]], targets: list[float], judged: Any, with_baseline: bool
) -> None:
    readings = [ReadingPoint(moment(day), value, before) for day, value, before in sorted(taken)]
    last = readings[-1]
    chart = CourseChart(
        unit="N",
        readings=readings,
        baseline=Band(last.value, last.value - 1, last.value + 1) if with_baseline else None,
        targets=[("target", target) for target in targets],
        marks=[Mark(last.taken_at, last.value, judged, "A milestone")],
    )
    picture = parsed(document(Picture("Title", "Description", course_chart(chart))))
    check_picture(picture)
    dots = [node for node in picture.iter(f"{SVG}circle") if "dot" in node.attrib["class"]]
    assert len(dots) == len(readings)
    assert sum("hollow" in dot.attrib["class"] for dot in dots) == sum(reading.before for reading in readings)
    assert sum(node.attrib.get("class") == "target" for node in picture.iter(f"{SVG}line")) == len(targets)
    told = [node.text for node in picture.iter(f"{SVG}title")]
    assert any(text and text.startswith(f"A milestone: {judged}") for text in told)


def test_several_pictures_stand_below_each_other() -> None:
    one = Picture("One", "First.", course_chart(COURSE))
    picture = parsed(document(one, one._replace(title="Two")))
    assert picture.attrib["viewBox"] == f"0 0 {WIDTH} {2 * HEIGHT}"
    assert picture[0].text == "One; Two"
