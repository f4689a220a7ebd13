"""How a course stands, as JSON: one file for each kind of thing that is told of it."""

from services.progress.api.views.course import CourseView, course_view

__all__ = ["CourseView", "course_view"]
