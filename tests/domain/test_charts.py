"""Charts as an XML parser sees them: well formed, every value there, nothing outside the picture."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.charts import STYLE, RunChart, RunPoint, document, run_chart, within
from shared.charts.figure import HEIGHT, WIDTH

SVG = "{http://www.w3.org/2000/svg}"
MONDAY = date(2026, 1, 5)
values = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))


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


@given(st.lists(values, min_size=1, max_size=60))
def test_a_run_chart_shows_every_week_within_the_picture(numbers: list[float]) -> None:
    picture = parsed(document(run_chart(run(*numbers)), "Title", "Description"))
    check_picture(picture)
    assert len(list(picture.iter(f"{SVG}circle"))) == len(numbers)


def test_a_week_that_stands_out_has_a_shape_of_its_own_and_says_why() -> None:
    picture = parsed(document(run_chart(run(1, 2, 3, note="One week beyond a limit")), "Title", "Description"))
    (diamond,) = picture.iter(f"{SVG}polygon")
    assert "One week beyond a limit" in (diamond[0].text or "")
    assert len(list(picture.iter(f"{SVG}circle"))) == 2


def test_text_is_escaped_and_a_page_needs_no_inline_style() -> None:
    hostile = '</title><script>alert("1")</script>'
    svg = within(run_chart(run(1, 2)), hostile, hostile, name="a")
    picture = parsed(svg)
    check_picture(picture)
    assert picture[0].text == hostile
    assert "<style" not in svg
    assert "<style" in document(run_chart(run(1, 2)), "t", "d")


def test_every_class_of_a_chart_is_styled_for_light_and_dark() -> None:
    used = set(re.findall(r'class="([a-z -]+)"', document(run_chart(run(1, 2, note="n")), "t", "d")))
    for name in {word for names in used for word in names.split()} - {"chart"}:
        assert STYLE.count(f".{name} ") + STYLE.count(f".{name}.") >= 2, name
