"""The HTTP edge of progress: how a course stands, for clinicians and clinic systems."""

from services.progress.api.edge import edge

__all__ = ["edge"]
