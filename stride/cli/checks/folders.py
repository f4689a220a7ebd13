"""Are the folders, ports and secrets that a start needs in order?"""

import os
import shutil
from pathlib import Path

from stride.cli.checks.finding import Check, Finding, Status, answered
from stride.embedded.cache import cache_folder
from stride.embedded.home import Home

_GIB = 2**30
_NEEDED, _LIKED = 0.5, 2.0


def folder_checks(home: Path) -> list[Check]:
    return [
        Check("disk", answered(_disk, home)),
        Check("cache disk", answered(_disk, cache_folder())),
        Check("cache writable", answered(_writable, cache_folder())),
        Check("home writable", answered(_writable, home)),
        Check("ports", answered(_ports, home)),
        Check("secrets", answered(_secrets, home / "secrets")),
    ]


def _disk(folder: Path) -> Finding:
    present = _nearest(folder)
    free = shutil.disk_usage(present).free / _GIB
    status: Status = "fail" if free < _NEEDED else "warn" if free < _LIKED else "ok"
    return Finding(status, f"{free:.1f} GiB free for {folder}", f"free {_LIKED} GiB at {present}")


def _writable(folder: Path) -> Finding:
    present = _nearest(folder)
    status: Status = "ok" if os.access(present, os.W_OK | os.X_OK) else "fail"
    return Finding(status, str(folder), f"sudo chown -R $(id -u) {present}")


def _nearest(folder: Path) -> Path:
    """The folder, or what is there of the way to it."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _ports(home: Path) -> Finding:
    if not (home / "stack.json").exists():
        return Finding("ok", "none chosen yet: the first start picks free ones")
    known = Home(home)
    if known.is_locked():
        return Finding("ok", "held by the running stack")
    taken = known.taken_ports()
    if not taken:
        return Finding("ok", "those of the last run are free")
    told = ", ".join(f"{name} {port}" for name, port in taken.items())
    return Finding("warn", f"taken by others, so the next start changes them: {told}", "ss -ltnp")


def _secrets(folder: Path) -> Finding:
    if not folder.exists():
        return Finding("warn", "not generated yet", "stride init")
    loose = [path for path in (folder, *folder.iterdir()) if path.stat().st_mode & 0o077]
    if loose:
        return Finding("fail", f"readable by others: {loose[0]}", f"chmod -R go= {folder}")
    return Finding("ok", str(folder))
