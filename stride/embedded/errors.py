"""What can go wrong with the embedded servers, as nouns.

Each message says what was wrong, where, and what to do; the command line shows it as it is.
"""

from pathlib import Path


class EmbeddedError(Exception):
    """Base of every error of the embedded stack; `exit_code` is what the command line ends with."""

    exit_code: int = 1


class HomeInUse(EmbeddedError):
    """Another process runs a stack from the same home folder."""

    exit_code: int = 69

    def __init__(self, home: Path, pid: str) -> None:
        super().__init__(
            f"{home} is in use by the stack of process {pid or 'unknown'}. "
            f"Stop it first (kill {pid or 'PID'}), or start this one with another --home."
        )


class JarsUnavailable(EmbeddedError):
    """Kafka's jars are not in the cache and could not be fetched."""

    exit_code: int = 69


class JarMismatch(EmbeddedError):
    """A jar's content is not what the lock file says."""

    exit_code: int = 78

    def __init__(self, jar: str, where: Path, expected: str, found: str) -> None:
        super().__init__(
            f"{jar}: sha256 is {found} but the lock file says {expected}. "
            f"It was not used. Delete {where} and start again; if it stays so, the download is "
            "not to be trusted."
        )


class BadConfiguration(EmbeddedError):
    """Something the user gave can't be used: a setting, an address, a secret file."""

    exit_code: int = 78


class StartFailed(EmbeddedError):
    """A process did not get ready; carries the end of its log."""

    def __init__(self, name: str, reason: str, log: Path, tail: str, exit_code: int = 1) -> None:
        super().__init__(f"{name} {reason}. Its log is {log}; the last lines were:\n{tail}")
        self.name: str = name
        self.exit_code: int = exit_code


class NotReady(EmbeddedError):
    """Something still was not ready when the time was up."""

    exit_code: int = 69
