"""The home folder of a stack: where its data, logs, secrets and remembered ports live."""

import fcntl
import json
import os
import shutil
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from stride.embedded.errors import HomeInUse
from stride.embedded.ports import free_port, is_free

DATA_FOLDERS = ("postgres", "kafka", "mailbox", "logs")


class Home:
    """Paths under one home folder, and the ports that a restart has to find again."""

    def __init__(self, path: Path) -> None:
        self.path: Path = path.absolute()
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def folder(self, name: str) -> Path:
        folder = self.path / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def log(self, name: str) -> Path:
        return self.folder("logs") / f"{name}.log"

    @property
    def stack_file(self) -> Path:
        return self.path / "stack.json"

    def wipe(self) -> None:
        """Deletes the data and logs; ports and secrets stay, so that addresses stay the same."""
        for name in DATA_FOLDERS:
            shutil.rmtree(self.path / name, ignore_errors=True)

    def ports(self, names: Iterable[str]) -> dict[str, int]:
        """A port of each name: the one of last time if it is still free, else a new one."""
        known = self._remembered()
        taken: set[int] = set()
        for name in names:
            port = known.get(name)
            if port is None or port in taken or not is_free(port):
                known[name] = free_port(avoid=taken | set(known.values()))
            taken.add(known[name])
        self._remember(known)
        return {name: known[name] for name in names}

    def taken_ports(self) -> dict[str, int]:
        """Ports of last time on which something listens now."""
        return {name: port for name, port in self._remembered().items() if not is_free(port)}

    def _remembered(self) -> dict[str, int]:
        try:
            ports: dict[str, int] = json.loads(self.stack_file.read_text())["ports"]
        except (FileNotFoundError, ValueError, KeyError):
            return {}
        return ports

    def _remember(self, ports: dict[str, int]) -> None:
        draft = self.stack_file.with_suffix(".new")
        draft.write_text(json.dumps({"ports": ports}, indent=2))
        draft.replace(self.stack_file)

    @contextmanager
    def locked(self) -> Generator[None]:
        """Holds the home for this process. The kernel lets go of it even after kill -9."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise HomeInUse(self.path, self.holder()) from None
            os.truncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
            yield
        finally:
            os.close(descriptor)

    def holder(self) -> str:
        """The process id that last locked this home, as text; empty when there was none."""
        try:
            return (self.path / "lock").read_text().strip()
        except FileNotFoundError:
            return ""

    def is_locked(self) -> bool:
        """Whether a stack runs from this home now."""
        try:
            with open(self.path / "lock", "rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False
