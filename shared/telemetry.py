"""Logs as JSON lines with an allow-list of fields: ids and figures, never names or clinical text."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED_FIELDS = frozenset(
    {
        "event", "level", "timestamp", "service", "logger", "topic", "partition", "offset", "count",
        "event_id", "event_type", "clinic_id", "reason", "error_type", "sqlstate", "seconds", "state",
        "delivery_id", "alert_id", "plan_id", "bucket", "signal", "address", "attempt", "status", "path",
        "exc_text",
    }
)  # fmt: skip


def _only_allowed(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in entry.items() if name in ALLOWED_FIELDS}


def configure_logging(service: str) -> None:
    """Write this process's logs to standard error, one JSON object a line."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s %(levelname)s %(message)s")
    logging.getLogger("faststream").setLevel(logging.CRITICAL)
    # Says "error" for every second until the group has a coordinator, which is how each start begins.
    logging.getLogger("aiokafka.consumer.group_coordinator").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_allowed,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(service=service)


def log() -> structlog.typing.FilteringBoundLogger:
    """This process's logger."""
    return structlog.get_logger()
