"""Structured logs: JSON in production, readable on a terminal; secrets masked, one line each."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import structlog

_SECRET_NAMES = re.compile(
    r"password|passphrase|secret|private_?key|mnemonic|authorization|api_?key"
)
_MASK = "***"
_URL = re.compile(r"\b(?:https?|wss?)://[^\s\"'<>\\]+", re.IGNORECASE)
# Control characters forge lines and drive terminals; separators and bidi marks hide text.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def configure(style: Literal["json", "console"], level: str = "INFO") -> None:
    """Send all logs, also those of libraries, to stderr in `style`. Called once, at the start."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        clean,
    ]
    renderer: Any = structlog.processors.JSONRenderer(default=str)
    if style == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def clean(_logger: Any, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Mask values with secret names; scrub URLs and control characters everywhere else."""
    return {key: _clean_value(key, value) for key, value in event.items()}


def scrub(text: str) -> str:
    """Return `text` in one line, with its URLs cut down to scheme, host and port."""
    return _CONTROL.sub("?", _URL.sub(lambda match: scrub_url(match[0]), text))


def scrub_url(url: str) -> str:
    """Return scheme, host and port only: credentials and keys sit in all other parts."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "(malformed URL)"
    if not host:
        return "(malformed URL)"
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port else "")


def _clean_value(key: str, value: Any) -> Any:
    if _SECRET_NAMES.search(key.lower()):
        return _MASK
    if isinstance(value, bool | int | float) or value is None or key.startswith("_"):
        return value
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        return {name: _clean_value(str(name), item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean_value(key, item) for item in value]
    if key == "exception":  # a trace of ours: keep its lines
        return "\n".join(scrub(line) for line in str(value).splitlines())
    return scrub(str(value))
