"""What all of the log's Kafka clients share: addresses, security, patience, and a quiet logger."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

REQUEST_TIMEOUT_MS = 10_000
"""Longer than a broker waits before it gives up on a silent leader (broker.session.timeout.ms, 9 s)."""
LOGGERS = (
    "aiokafka",
    "aiokafka.conn",
    "aiokafka.cluster",
    "aiokafka.consumer.consumer",
    "aiokafka.consumer.fetcher",
    "aiokafka.producer.producer",
    "aiokafka.producer.sender",
)


@dataclass(frozen=True)
class Kafka:
    """Where the brokers are. `security` goes to aiokafka as it is: security_protocol, ssl_context, sasl_..."""

    bootstrap: Sequence[str]
    security: Mapping[str, object] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, object]:
        """The keyword arguments of every aiokafka client."""
        return {
            "bootstrap_servers": list(self.bootstrap),
            "request_timeout_ms": REQUEST_TIMEOUT_MS,
            **self.security,
        }

    def __str__(self) -> str:
        return ",".join(self.bootstrap)


class OncePerPeriod(logging.Filter):
    """Lets each kind of message through once a period; aiokafka writes thousands while a broker is away.

    Nothing below a warning passes: at the debug level aiokafka writes whole records.
    """

    def __init__(self, period: float = 30.0) -> None:
        super().__init__()
        self._period = period
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        kind = (record.name, record.msg)
        if record.levelno < logging.WARNING or now - self._said.get(kind, -self._period) < self._period:
            return False
        self._said[kind] = now
        return True


def quieten_loggers() -> None:
    """Put the filter on aiokafka's loggers, once."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(each, OncePerPeriod) for each in logger.filters):
            logger.addFilter(OncePerPeriod())
