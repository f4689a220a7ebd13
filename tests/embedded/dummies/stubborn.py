"""Ignores SIGTERM, and has a child of its own."""

import signal
import subprocess
import sys

signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])

import tests.embedded.dummies.steady  # noqa: E402, F401  # pyright: ignore[reportUnusedImport]
