"""Logs of a running site: JSON lines, or text for a console, on standard error.

Invariant: events of links, processes and databases; no count and no picture; text between :// and @, which may be a
password, is hidden in every value.
"""

import logging
import sys
from typing import Any

import structlog

from passerby.config.yaml_document import masked


def logger(*, as_json: bool) -> Any:
    """A logger with `info` and `warning`, each called with an event and its details."""
    shown: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    return structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_passwords,
            shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


def _without_passwords(_logger: Any, _name: str, event: Any) -> Any:
    return {key: masked(value) if isinstance(value, str) else value for key, value in event.items()}
