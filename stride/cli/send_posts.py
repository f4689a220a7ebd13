"""What `stride send` hands in, and the count of the answers it gets."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from stride.cli.send_files import Post

_KINDS = {
    "fhir": ("/fhir", "application/fhir+json"),
    "event": ("/events", "application/cloudevents+json"),
    "batch": ("/events", "application/cloudevents-batch+json"),
}
_WHOSE = ("practitioner", "room", "patient")
_BUSY = (429, 503)
_PATIENCE_SECONDS = 60
_REFUSED = 422


class Unreachable(Exception):
    """Intake does not answer."""

    exit_code = 69


@dataclass(slots=True)
class Tally:
    """What became of everything so far."""

    requests: int = 0
    accepted: int = 0
    repeats: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    failed: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "requests": self.requests,
            "accepted": self.accepted,
            "repeats": self.repeats,
            "refused": self.refused.total(),
            "refused_by_reason": dict(self.refused.most_common()),
            "failed": self.failed,
        }


def hand_in(http: httpx.Client, post: Post, token: str, tally: Tally) -> None:
    """Send one request, again while intake is busy, and count the answer.

    Raises:
        Unreachable: nobody answers at the address, or intake stays busy for a minute.
    """
    method, path, media_type = _request(post)
    headers = {"content-type": media_type, "authorization": f"Bearer {token}"}
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            response = http.request(method, path, content=post.body, headers=headers)
        except httpx.TransportError as error:
            raise Unreachable(
                f"Intake at {http.base_url} does not answer ({type(error).__name__}). Is `stride up` running?"
            ) from None
        if response.status_code not in _BUSY:
            break
        if time.monotonic() > give_up:
            raise Unreachable(f"Intake at {http.base_url} is not available; `stride doctor` may tell why.")
        time.sleep(1)
    tally.requests += 1
    _count(response, post, tally)


def _request(post: Post) -> tuple[str, str, str]:
    """Method, path and media type. A file `practitioner.pr-ada.ics` is the calendar of that practitioner."""
    if post.kind in _KINDS:
        return "POST", *_KINDS[post.kind]
    name = post.origin.removesuffix(".ics")
    kind, _, identifier = name.partition(".")
    query = f"?{kind}={quote(identifier, safe='')}" if identifier and kind in _WHOSE else ""
    method = "DELETE" if post.kind == "withdrawal" else "PUT"
    return method, f"/calendars/{quote(name, safe='')}{query}", "text/calendar"


def _count(response: httpx.Response, post: Post, tally: Tally) -> None:
    if response.status_code != _REFUSED and not response.is_success:
        tally.failed.append({"origin": post.origin, "status": response.status_code, "reason": _reason(response)})
        return
    content: Any = response.json()
    if isinstance(content, list):
        _count_items(content, tally)
    elif content.get("resourceType") == "Bundle":
        for entry in content["entry"]:
            answered = entry["response"]
            _note(answered["status"][:3], answered["outcome"]["issue"][0]["diagnostics"], tally)
    elif content.get("status") == "repeat":
        tally.repeats += 1
    else:
        _note(str(response.status_code), _reason(response), tally)


def _count_items(items: list[dict[str, Any]], tally: Tally) -> None:
    for item in items:
        tally.accepted += item["status"] == "accepted"
        tally.repeats += item["status"] == "repeat"
        if item["status"] == "refused":
            tally.refused[_problem(item["problem"])] += 1


def _note(status: str, reason: str, tally: Tally) -> None:
    tally.accepted += status == "202"
    tally.repeats += status == "200"
    if status == str(_REFUSED):
        tally.refused[reason] += 1


def _reason(response: httpx.Response) -> str:
    """The first reason of an OperationOutcome or problem details."""
    try:
        content: Any = response.json()
    except json.JSONDecodeError:
        return "no answer that could be read"
    if "issue" in content:
        return str(content["issue"][0]["diagnostics"])
    return _problem(content)


def _problem(content: dict[str, Any]) -> str:
    """What is wrong, where, and how to mend it."""
    first = next(iter(content.get("errors", ())), {})
    place = f" ({first['pointer']})" if first.get("pointer") else ""
    return f"{content.get('detail', '')}{place} {first.get('remedy', '')}".strip()
