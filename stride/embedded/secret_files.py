"""Files that only the user may read."""

import os
from pathlib import Path


def append_secret(path: Path, text: str) -> None:
    """Adds to a file, made with mode 0600."""
    with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w") as file:
        file.write(text)


def replace_secret(path: Path, text: str) -> None:
    """Written whole or not at all, and never readable by others, not even for an instant."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
