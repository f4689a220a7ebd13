"""Answers to searches: Bundles, whole or page by page."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from services.console.api.fhir.terms import Resource


class Page(BaseModel):
    """Which part of a Bundle is wanted; all of it where no `_count` is given."""

    model_config = ConfigDict(extra="forbid")

    count: Annotated[int | None, Field(alias="_count", ge=0, le=1000)] = None
    """Resources on a page; 0 asks for their number alone."""
    offset: Annotated[int, Field(alias="_offset", ge=0, le=1_000_000)] = 0
    """Resources before the page."""


def bundle(request: Request, page: Page, resources: Sequence[Resource]) -> dict[str, Any]:
    """A searchset of the page, and links to those around it. `total` counts the resources of all pages.

    Resources stand in a fixed order, so that pages fit together; what is recorded meanwhile may shift them.
    """
    end = len(resources) if page.count is None else page.offset + page.count
    shown = resources[page.offset : end]
    base = f"{request.base_url}fhir"
    entries = [
        {"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one, "search": {"mode": "match"}}
        for one in shown
    ]
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(resources),
        "link": [{"relation": name, "url": url} for name, url in _links(request, page, len(resources))],
        **({"entry": entries} if entries else {}),
    }


def _links(request: Request, page: Page, total: int) -> Iterator[tuple[str, str]]:
    yield "self", str(request.url)
    if not page.count:
        return
    last = max(0, (total - 1) // page.count * page.count)
    places = {"first": 0, "previous": max(0, page.offset - page.count), "next": page.offset + page.count, "last": last}
    gone = {*(["previous"] if page.offset == 0 else []), *(["next"] if places["next"] >= total else [])}
    for name, offset in places.items():
        if name not in gone:
            yield name, str(request.url.include_query_params(_offset=offset))
