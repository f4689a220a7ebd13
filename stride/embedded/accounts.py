"""Which system account a server runs as.

PostgreSQL refuses to run as root. Started by root (a container, a CI machine), it runs as `nobody`
instead: an account that every system has, so that no user has to be made and no folder above the
data has to be opened to others.
"""

import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from stride.embedded.errors import BadConfiguration
from stride.embedded.program import Account

_PUBLIC = Path("/var/cache/stride")


def account_below_root() -> Account | None:
    """The account to step down to, or None when this process is not root and needs none."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise BadConfiguration(
            "PostgreSQL can't run as root and this system has no account 'nobody' to run it as. "
            "Start Stride as an ordinary user."
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def open_to_others(path: Path) -> bool:
    """Whether any account may reach and read the path."""
    *above, last = [*reversed(path.resolve().parents), path.resolve()]
    reachable = all(folder.stat().st_mode & stat.S_IXOTH for folder in above)
    return reachable and bool(last.stat().st_mode & stat.S_IROTH)


def public_copy(source: Path, folders: Sequence[str], name: str) -> Path:
    """A copy of a source's folders where any account may read and run them.

    For a source under a closed folder (an environment of root's own, in /root): opening that folder
    to others is not ours to do.
    """
    copy = _PUBLIC / name
    if copy.exists():
        return copy
    _PUBLIC.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=_PUBLIC))
    try:
        for folder in filter(lambda folder: (source / folder).exists(), folders):
            shutil.copytree(source / folder, draft / folder, symlinks=True)
        _open(draft)
        draft.rename(copy)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        # Losing the race to another process is fine: its copy is the same.
        if not copy.exists():
            raise
    return copy


def _open(folder: Path) -> None:
    """Lets all read the files, and run those that their owner may."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if mode & stat.S_IXUSR else 0o444))
