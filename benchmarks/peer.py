"""The same job in another stream processor that is alive: quixstreams."""

import os
from pathlib import Path
from statistics import median

from benchmarks.contestants import Peer, Stride
from benchmarks.ground import Ground
from benchmarks.measure import Measured, measure
from benchmarks.workload import progress
from shared.settings import ROOT
from stride.embedded.servers import Report, silent

INSTALL = "`make bench` installs it into .venv-peer (or STRIDE_BENCH_PEER=/path/to/its/python)"


def python_of_peer() -> Path | None:
    """The Python that has quixstreams: `STRIDE_BENCH_PEER`, or `.venv-peer` beside the packages."""
    given = os.environ.get("STRIDE_BENCH_PEER")
    python = Path(given) if given else ROOT / ".venv-peer" / "bin" / "python"
    return python if python.exists() else None


async def peer(on: Ground, *, events: int, rounds: int, seed: int, report: Report = silent) -> dict[str, object]:
    """Events a second of both, in turns; how often Stride's is the peer's."""
    python = python_of_peer()
    if python is None:
        return {"name": "quixstreams", "installed": False, "install": INSTALL}
    mine, theirs = list[Measured](), list[Measured]()
    for number in range(rounds):
        work = progress(seed, f"peer-{number}", events)
        topics = sorted({record.topic for record in work.measured})
        report(f"peer: quixstreams, round {number + 1} of {rounds}")
        theirs.append(await measure(on, Peer(python, topics), work))
        report(f"peer: stride, round {number + 1} of {rounds}")
        mine.append(await measure(on, Stride("progress", work), work))
    return {
        "name": "quixstreams",
        "installed": True,
        "per_s": round(median(run.per_second for run in theirs)),
        "stride_per_s": round(median(run.per_second for run in mine)),
        "of_peer": round(median(one.per_second / other.per_second for one, other in zip(mine, theirs, strict=True)), 3),
        "cpu_us_per_event": {
            "own": round(median(run.own_cpu / run.events * 1e6 for run in theirs), 1),
            "postgres": round(median(run.postgres_cpu / run.events * 1e6 for run in theirs), 1),
            "kafka": round(median(run.kafka_cpu / run.events * 1e6 for run in theirs), 1),
        },
    }
