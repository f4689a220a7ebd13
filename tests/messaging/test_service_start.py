"""Starting a service: it can be told to stop at any moment."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_CAUGHT = 1 << (signal.SIGTERM - 1)


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc when the service listens to signals")
def test_sigterm_before_kafka_answers_ends_a_service_in_order(unused_tcp_port: int, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.json"
    tokens.write_text("{}")
    servers = {
        "STRIDE_TOKENS": str(tokens),
        "KAFKA_BOOTSTRAP": f"127.0.0.1:{unused_tcp_port}",
        "DATABASE_URL": f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/none",
    }
    with subprocess.Popen((sys.executable, "-m", "services.progress"), env=os.environ | servers) as process:
        while not _listens(process.pid):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def _listens(pid: int) -> bool:
    (mask,) = (line.split()[1] for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "SigCgt" in line)
    return bool(int(mask, 16) & _CAUGHT)
