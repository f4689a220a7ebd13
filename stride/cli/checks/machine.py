"""Is the machine up to it?"""

import platform
import resource
import sys

from stride.cli.checks.finding import Check, Finding, Status

_GIB = 2**30
_MEMORY_NEEDED, _MEMORY_LIKED = 1.0, 2.5
_FILES_NEEDED = 1024


def machine_checks() -> list[Check]:
    return [
        Check("python", _python),
        Check("platform", _platform),
        Check("memory", _memory),
        Check("open files", _open_files),
    ]


async def _python() -> Finding:
    status = "ok" if sys.version_info >= (3, 11) else "fail"
    return Finding(status, f"Python {platform.python_version()}", "install Python 3.11 or newer")


async def _platform() -> Finding:
    name = f"{platform.system()} {platform.machine()}"
    if sys.platform == "linux":
        return Finding("ok", name)
    return Finding("warn", f"{name}: a killed supervisor leaves servers behind here", "stop with Ctrl-C")


async def _memory() -> Finding:
    # Not at the top: the image of the services has the `stride` command, and no psutil.
    import psutil  # noqa: PLC0415

    free = psutil.virtual_memory().available / _GIB
    status: Status = "fail" if free < _MEMORY_NEEDED else "warn" if free < _MEMORY_LIKED else "ok"
    return Finding(status, f"{free:.1f} GiB free", f"free {_MEMORY_LIKED} GiB, the stack's size")


async def _open_files() -> Finding:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    status = "ok" if limit >= _FILES_NEEDED else "warn"
    return Finding(status, f"{limit} at once", f"ulimit -n {_FILES_NEEDED}")
