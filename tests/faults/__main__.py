"""`make faults`: run the faults, show what each cost, and say how to run a failed one again."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.harness.collector import Collector, Live
from tests.faults.harness.table import as_json, listing, table

HERE = Path(__file__).parent
STORM = "storm"


def main(words: Sequence[str] | None = None) -> int:
    """Run what `words` say; returns 0 when every fault was survived, 1 when not, 2 when none is so named."""
    asked = _parse(words)
    os.environ["STRIDE_FAULT_SEED"] = str(asked.seed)
    only: list[str] = asked.only
    if asked.kills:
        os.environ["STRIDE_FAULT_KILLS"] = str(asked.kills)
        only = only or [STORM]
    live = Live(quiet=asked.list, to_stderr=asked.json)
    collector = Collector(only, live)
    options = ["-o", "addopts=--strict-markers", "-p", "no:terminal", "-p", "no:cacheprovider", "-s", "-m", "fault"]
    with live:
        code = pytest.main([*options, str(HERE), *(["--collect-only"] if asked.list else [])], plugins=[collector])
    if asked.list:
        live.console.print(listing(collector.listed))
        return 0
    if not collector.results:
        sys.stderr.write(f"No fault ran (pytest: {code!r}). `make faults ARGS=--list` shows their names.\n")
        sys.stderr.writelines(f"{error}\n" for error in collector.errors)
        return 2
    live.console.print(table(collector.results))
    for failed in (result for result in collector.results if not result.passed):
        live.console.print(failed.how_again(asked.seed, asked.kills), highlight=False, markup=False)
    if asked.json:
        sys.stdout.write(as_json(collector.results) + "\n")
    return int(any(not result.passed for result in collector.results) or bool(collector.errors))


def _parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the last line of the output is one JSON object")
    parser.add_argument("--kills", type=int, default=0, help="only the storm, with this many seeded kills")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only this fault (may be repeated)")
    parser.add_argument("--seed", type=int, default=20261124, help="other draws: which events, which crash points")
    parser.add_argument("--list", action="store_true", help="name the faults and run none")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
