"""Signing mail with DKIM (RFC 6376), so that receivers can tell that it comes from the clinic's domain."""

from dataclasses import dataclass, field

import dkim  # pyright: ignore[reportMissingTypeStubs]

_HEADERS = (
    b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type",
    b"auto-submitted", b"list-unsubscribe", b"list-unsubscribe-post",
)  # fmt: skip
"""List-Unsubscribe must be among what is signed (RFC 8058, section 4)."""


@dataclass(frozen=True, slots=True)
class Dkim:
    """A key in PEM (RSA), its selector and domain as the DNS has them."""

    domain: str
    selector: str
    key: str = field(repr=False)

    def signed(self, content: bytes) -> bytes:
        """`content` (a whole message) with its signature in front."""
        present = {line.split(b":", 1)[0].lower() for line in content.split(b"\r\n\r\n", 1)[0].split(b"\r\n")}
        header: bytes = dkim.sign(  # pyright: ignore[reportUnknownMemberType]
            content,
            self.selector.encode(),
            self.domain.encode(),
            self.key.encode(),
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[name for name in _HEADERS if name in present],
        )
        return header + content
