"""A real Apache Kafka as a child process: one node in KRaft mode, on the loopback address.

Data lives in `<home>/kafka`. A record is in the system's page cache when it is acknowledged, so it
survives kill -9 of the broker, though not a power cut: replicas give that, on more than one machine.
"""

import asyncio
import base64
import hashlib
import secrets
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stride.embedded.errors import StartFailed
from stride.embedded.home import Home
from stride.embedded.java import child_environment, java, java_version
from stride.embedded.ports import LOOPBACK
from stride.embedded.probes import kafka_answers
from stride.embedded.program import Program

_JVM = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
_LOGGING = Path(__file__).with_name("log4j2.properties")

# What makes one small node complete and quick: single replicas, few partitions for the internal
# topics (50 each otherwise, and each costs time at every start), no wait for a group's first members.
_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "message.max.bytes": "262144",
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.cleaner.dedupe.buffer.size": "16777216",
    # After kill -9 the controller takes the broker back only when the dead one's session is over
    # (9 s otherwise).
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}


@dataclass(frozen=True, slots=True)
class Installation:
    """Kafka made ready to run: its jars and, once trained, the ahead-of-time cache beside them."""

    jars: tuple[Path, ...]

    @property
    def classpath(self) -> str:
        return ":".join(str(jar) for jar in self.jars)

    @property
    def aot_cache(self) -> Path:
        """One cache fits one Java, one set of flags and one set of jars; the name tells them."""
        fitted = hashlib.sha256(" ".join((java_version(), *_JVM)).encode()).hexdigest()[:12]
        return self.jars[0].parent / f"kafka-{fitted}.aot"

    def command(self, main_class: str, *arguments: str, aot: Sequence[str] = ()) -> tuple[str, ...]:
        """The command line of one of Kafka's programs."""
        flags = aot or self._aot_flags()
        logging = f"-Dlog4j2.configurationFile={_LOGGING}"
        return (java(), *_JVM, *flags, logging, "-cp", self.classpath, main_class, *arguments)

    def _aot_flags(self) -> Sequence[str]:
        if not self.aot_cache.exists():
            return ()
        # Without its cached adapters: Java 25 finds some of them wrong, warns, and makes them anew.
        without_adapters = ("-XX:+UnlockDiagnosticVMOptions", "-XX:-AOTAdapterCaching")
        return (f"-XX:AOTCache={self.aot_cache}", *without_adapters)


@dataclass(frozen=True, slots=True)
class SideDoor:
    """A second listener on `port`, for clients that go through something that stands before it.

    They are told to connect to the port `advertised`, where that something listens; those of the
    first listener go straight to the broker.
    """

    port: int
    advertised: int


def kafka_program(
    home: Home,
    installation: Installation,
    ports: tuple[int, int],
    aot: Sequence[str] = (),
    side_door: SideDoor | None = None,
) -> Program:
    """How to run the broker on (client port, controller port)."""
    properties = _write_properties(home, ports, side_door)
    return Program(
        name="kafka",
        command=installation.command("kafka.Kafka", str(properties), aot=aot),
        environment=child_environment(),
        log=home.log("kafka"),
        probe=lambda: kafka_answers(bootstrap(ports[0])),
        folder=home.folder("kafka"),
    )


def bootstrap(port: int) -> str:
    return f"{LOOPBACK}:{port}"


def _write_properties(home: Home, ports: tuple[int, int], side_door: SideDoor | None = None) -> Path:
    client, controller = ports
    settings = _SETTINGS | {
        "listeners": f"PLAINTEXT://{LOOPBACK}:{client},CONTROLLER://{LOOPBACK}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{client}",
        "controller.quorum.bootstrap.servers": f"{LOOPBACK}:{controller}",
        "log.dirs": str(home.folder("kafka") / "data"),
    }
    if side_door:
        settings["listener.security.protocol.map"] += ",SIDE:PLAINTEXT"
        settings["listeners"] += f",SIDE://{LOOPBACK}:{side_door.port}"
        settings["advertised.listeners"] += f",SIDE://{LOOPBACK}:{side_door.advertised}"
    path = home.folder("kafka") / "server.properties"
    path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    return path


async def format_storage(home: Home, installation: Installation, ports: tuple[int, int]) -> None:
    """Prepares the data folder on the first start; later it does nothing."""
    if (home.folder("kafka") / "data" / "meta.properties").exists():
        return
    cluster_id = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    properties = str(_write_properties(home, ports))
    process = await asyncio.create_subprocess_exec(
        *installation.command(
            "kafka.tools.StorageTool",
            *("format", "--standalone", f"--cluster-id={cluster_id}", f"--config={properties}"),
        ),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        env=child_environment(),
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        log = home.log("kafka-format")
        log.write_bytes(output)
        raise StartFailed("kafka", "could not format its data", log, output.decode(errors="replace"))
