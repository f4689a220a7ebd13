"""What can go wrong with a message. The error's type is the policy."""


class Refused(Exception):
    """The fact can't be applied to this state, now or later. The sender gets the reason.

    From Kafka it is parked; over HTTP it becomes a problem answer. `pointer` is a JSON pointer
    (RFC 6901) into the fact, `remedy` says what to do, `codes` say the reason to programs. None of
    them may hold personal data.
    """

    def __init__(self, reason: str, *, pointer: str = "", remedy: str = "", codes: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pointer = pointer
        self.remedy = remedy
        self.codes = codes


class Unreadable(Exception):
    """The bytes are no event we can read: they go to the dead-letter topic as they came."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Unavailable(Exception):
    """PostgreSQL or Kafka can't be used right now: nothing was applied, try again."""

    exit_code = 69


class Swapped(Unavailable):
    """The tables were swapped by a rebuild just now: nothing was applied, and the same work succeeds at once."""


class FlowDisagrees(Exception):
    """A service's handlers and `shared/flow.py` say different things: it must not start."""

    exit_code = 78


class UnsafeSubscription(Exception):
    """A subscription has an option under which events are lost: the service must not start."""

    exit_code = 78


class TooManyFailures(Exception):
    """So many events failed in a short time that the fault is ours: stop reading, park no more."""


class Stuck(Exception):
    """Records are waiting and nothing moves: the process must be started anew."""
