"""How handing over a message can fail. The class says what is known of it, so that the ledger can be honest.

All but `Uncertain` mean that the message was certainly not taken: it may go again, and by another provider.
"""


class Unreachable(Exception):
    """The provider can't be talked to; nothing was handed over."""


class PutOff(Exception):
    """The provider does not take the message now. `code` says why, `seconds` when to come again if it told."""

    def __init__(self, code: str, seconds: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.seconds = seconds


class Rejected(Exception):
    """The provider will never take the message; `elsewhere`: another one might."""

    def __init__(self, code: str, *, elsewhere: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.elsewhere = elsewhere


class Gone(Rejected):
    """The receiver wants no more messages of this kind, ever (a webhook's 410)."""


class Uncertain(Exception):
    """The connection was lost while the message was handed over: it may have been taken (RFC 1047)."""
