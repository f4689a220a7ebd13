"""Charts as SVG text: values in, a picture out, without I/O, script or fonts of its own.

Pictures stand alone (`document`) or within a page (`within`), which then links `PAGE_STYLE` as a file of its
own, so that a strict content security policy holds. Every picture has a title and a description for
those who do not see it, is readable in dark mode, and prints in black on white.
"""

from shared.charts.course import Band, CourseChart, Mark, ReadingPoint, course_chart
from shared.charts.figure import Picture, document, within
from shared.charts.markup import number
from shared.charts.run import RunChart, RunPoint, run_chart
from shared.charts.style import PAGE_STYLE, STYLE

__all__ = [
    "PAGE_STYLE",
    "STYLE",
    "Band",
    "CourseChart",
    "Mark",
    "Picture",
    "ReadingPoint",
    "RunChart",
    "RunPoint",
    "course_chart",
    "document",
    "number",
    "run_chart",
    "within",
]
