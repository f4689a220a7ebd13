"""`stride version`."""

import platform
from importlib import metadata

from stride.cli.options import JsonOption
from stride.cli.output import Output


def version(*, json: JsonOption = False) -> None:
    """Says which version this is."""
    output = Output(as_json=json)
    versions = {"stride": metadata.version("stride"), "python": platform.python_version()}
    if json:
        output.result(versions)
    else:
        output.human.print(f"Stride {versions['stride']} on Python {versions['python']}")
