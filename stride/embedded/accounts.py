"""Which system account a server runs as.

PostgreSQL refuses to run as root. Started by root (a container, a CI machine), it runs as `nobody`
instead: an account that every system has, so that no user has to be made and no folder above the
data has to be opened to others.
"""

import os
import pwd
import stat
from pathlib import Path

from stride.embedded.errors import BadConfiguration
from stride.embedded.program import Account


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
