"""Log lines of a serving process: one JSON object a line on the error stream, never anything of a person."""

import logging
import sys

import structlog


def log_to_stderr() -> None:
    """Configure structlog. Exceptions are named by their kind alone: their text might quote a row."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
