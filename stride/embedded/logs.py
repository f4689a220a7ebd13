"""Log files of the child processes."""

from pathlib import Path

_TAIL_BYTES = 8_192


def rotate(log: Path) -> None:
    """Keeps the log of the run before as NAME.log.1 and begins a new one."""
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    log.touch(mode=0o600)


def note(log: Path, line: str) -> None:
    """Adds a line of the supervisor's own."""
    with log.open("a") as file:
        file.write(f"{line}\n")


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, or a word that there are none."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:]) or "(empty)"
