"""The headers of a Standard Webhook."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

_SECRET_BYTES = 32


def headers(key: str, moment: datetime, body: bytes, signing: Sequence[str]) -> dict[str, str]:
    """`webhook-id` is `key`, the same for every attempt; one signature for each of the secrets `signing`."""
    # The library's sign() is wrong for aware times that are not UTC.
    at = moment.astimezone(UTC).replace(microsecond=0)
    signatures = [Webhook(secret).sign(msg_id=key, timestamp=at, data=body.decode()) for secret in signing]
    return {
        "content-type": "application/json",
        "user-agent": "Stride-Webhooks/1",
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def new_secret() -> str:
    """A signing secret, `whsec_` and 32 random bytes in base64."""
    return "whsec_" + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
