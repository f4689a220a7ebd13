"""Kafka's jars: exactly those of the lock file, each checked against its sha256 before use.

`kafka.lock` next to this file has one `group:artifact:version sha256` a line.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

from stride.embedded.cache import cache_folder, locked
from stride.embedded.errors import BadConfiguration, JarMismatch, JarsUnavailable

if TYPE_CHECKING:
    from jgo.maven import MavenContext

LOCK_FILE = Path(__file__).with_name("kafka.lock")
KAFKA = "org.apache.kafka:kafka_2.13:4.4.0"
# Kafka logs through SLF4J 1.7 and its own package binds that to nothing: without this one a
# broker that fails to start says nothing.
LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5"

_STAMP = "verified"
_PARALLEL = 6

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock file."""

    coordinate: str
    sha256: str

    @property
    def filename(self) -> str:
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


def read_lock(lock: Path = LOCK_FILE) -> list[Jar]:
    """The jars of a lock file; comments and empty lines don't count."""
    lines = [line.split("#")[0].split() for line in lock.read_text().splitlines()]
    try:
        return [Jar(coordinate, sha256) for coordinate, sha256 in filter(None, lines)]
    except ValueError:
        raise BadConfiguration(f"{lock}: each line must be 'group:artifact:version sha256'") from None


def jar_folder(lock: Path = LOCK_FILE) -> Path:
    """Where the jars of this very lock file live: a changed lock gets a folder of its own."""
    return cache_folder() / f"kafka-{_digest(lock)[:12]}"


def ensure_jars(report: Report, lock: Path = LOCK_FILE) -> list[Path]:
    """All jars, fetched if they were not there; the whole set is checked once, then stamped."""
    folder, jars = jar_folder(lock), read_lock(lock)
    paths = [folder / jar.filename for jar in jars]
    if (folder / _STAMP).exists() and _sizes(paths) == (folder / _STAMP).read_text():
        return paths
    with locked(folder):
        _fetch_missing([jar for jar in jars if not (folder / jar.filename).exists()], folder, report)
        for jar in jars:
            verify(jar, folder / jar.filename)
        (folder / _STAMP).write_text(_sizes(paths))
    return paths


def verify(jar: Jar, path: Path) -> None:
    """Raises JarMismatch unless the file's sha256 is the locked one."""
    found = _digest(path)
    if found != jar.sha256:
        raise JarMismatch(jar.coordinate, path, jar.sha256, found)


def _fetch_missing(jars: list[Jar], folder: Path, report: Report) -> None:
    if not jars:
        return
    with (
        tempfile.TemporaryDirectory(dir=folder) as draft,
        ThreadPoolExecutor(_PARALLEL) as pool,
    ):
        maven = _maven(Path(draft))
        fetched = pool.map(_fetch, repeat(maven), jars, repeat(folder))
        for count, jar in enumerate(fetched, start=1):
            report(f"Fetching Kafka: {count} of {len(jars)} ({jar.filename})")


def _maven(store: Path) -> "MavenContext":
    """Repositories as the user's jgo settings name them (a mirror, say), else Maven Central."""
    try:
        # Not at the top: the image of the services has the `stride` command, and no need of jgo.
        from jgo.config import GlobalSettings  # noqa: PLC0415
        from jgo.maven import MavenContext  # noqa: PLC0415
    except ImportError:
        raise BadConfiguration(
            "Kafka's jars can't be fetched here: pip install 'stride[embedded]', "
            "or set KAFKA_BOOTSTRAP to a Kafka that is already there."
        ) from None
    repositories = GlobalSettings.load().repositories
    return MavenContext(repo_cache=store, remote_repos=repositories or None, timeout=30)


def _fetch(maven: "MavenContext", jar: Jar, folder: Path) -> Jar:
    try:
        fetched = maven.create_dependency(jar.coordinate).artifact.resolve()
    except (RuntimeError, OSError) as error:
        raise JarsUnavailable(
            f"Could not fetch {jar.coordinate} from Maven Central: {error}. Check the network "
            "(proxy: HTTPS_PROXY; mirror: [repositories] in ~/.config/jgo.conf), or set "
            "KAFKA_BOOTSTRAP to a Kafka that is already there."
        ) from error
    verify(jar, fetched)
    os.replace(fetched, folder / jar.filename)
    return jar


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sizes(paths: Iterable[Path]) -> str:
    """What the stamp remembers: a jar that was cut short or replaced later gives another text."""
    try:
        stats = [(path.name, path.stat()) for path in paths]
    except FileNotFoundError:
        return ""
    return "\n".join(f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in stats)


def write_lock(lock: Path = LOCK_FILE) -> int:
    """Resolves Kafka anew and writes the lock file (for a maintainer who raises the version)."""
    store = Path(tempfile.mkdtemp())
    try:
        maven = _maven(store)
        # The binding is added and not resolved along: its parent would change Kafka's versions.
        kafka, binding = (maven.create_dependency(root) for root in (KAFKA, LOGGING))
        itself, needed = maven.resolver.resolve([kafka])
        artifacts = {str(one.artifact.component): one.artifact for one in (*itself, *needed, binding)}
        lines = [f"{name} {_digest(artifacts[name].resolve())}" for name in sorted(artifacts)]
    finally:
        shutil.rmtree(store)
    lock.write_text("\n".join(lines) + "\n")
    return len(lines)
