"""The real servers, embedded: PostgreSQL, Kafka and a mail inbox as supervised child processes.

`Servers` runs these alone (for tests); `Stack` runs the services on top of them.
"""

from stride.embedded.addresses import Addresses, External
from stride.embedded.errors import EmbeddedError
from stride.embedded.processes import SERVICES, Prepare, Settings, Stack
from stride.embedded.servers import Servers

__all__ = [
    "SERVICES",
    "Addresses",
    "EmbeddedError",
    "External",
    "Prepare",
    "Servers",
    "Settings",
    "Stack",
]
