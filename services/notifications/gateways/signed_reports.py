"""Reports and incoming text messages as our own contract has them: JSON, signed as a Standard Webhook."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.notifications.domain.receipts import REPORTED, Receipt
from services.notifications.domain.state import DeliveryState
from services.notifications.gateways.provider import Incoming, NotAuthentic, Unintelligible

M = TypeVar("M", bound=BaseModel)


class _Report(BaseModel):
    model_config = ConfigDict(extra="ignore")

    reference: str = Field(min_length=1, max_length=200)
    """The delivery's id, as we gave it."""
    id: str = Field(default="", max_length=200)
    status: DeliveryState
    sequence: int = Field(default=0, ge=0, le=2**53)


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Check the signature.

    Raises:
        NotAuthentic: missing, wrong or too old; or nobody told us the secret.
    """
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError, RuntimeError) as error:
        # A malformed signature makes the library raise a bare ValueError.
        raise NotAuthentic(type(error).__name__) from None


class _Text(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    id: str = Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")
    sender: str = Field(alias="from", pattern=r"^\+[1-9]\d{6,14}$")
    body: str = Field(max_length=2_000)


def read_text(secret: str, headers: Mapping[str, str], body: bytes) -> Incoming:
    """The text message of a call.

    Raises:
        NotAuthentic: see `verify`.
        Unintelligible: not as docs/notifications.md says.
    """
    text = _read(_Text, secret, headers, body)
    return Incoming(text.id, text.sender, text.body)


def _read(kind: type[M], secret: str, headers: Mapping[str, str], body: bytes) -> M:
    if not secret:
        raise NotAuthentic("no secret is set for this provider's reports")
    verify(secret, headers, body)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise Unintelligible(", ".join(str(item["loc"][0]) for item in error.errors() if item["loc"])) from None


def read(secret: str, headers: Mapping[str, str], body: bytes) -> list[Receipt]:
    """The one receipt of a call.

    Raises:
        NotAuthentic: see `verify`.
        Unintelligible: not as docs/notifications.md says.
    """
    report = _read(_Report, secret, headers, body)
    if report.status not in REPORTED:
        raise Unintelligible("status")
    return [Receipt(report.reference, report.status, report.sequence, report.id)]
