"""What the server says: one JSON object a line, with the fields that every app of the fleet has."""

from __future__ import annotations

import logging
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TextIO

from pythonjsonlogger.json import JsonFormatter

if TYPE_CHECKING:
    from collections.abc import Mapping

LEVELS = {"WARNING": "warn", "CRITICAL": "fatal"}


class _Line(JsonFormatter):
    def process_log_record(self, log_data: dict[str, object]) -> dict[str, object]:
        level = str(log_data.pop("levelname"))
        time = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        return {
            "level": LEVELS.get(level, level.lower()),
            "time": time.replace("+00:00", "Z"),
            **log_data,
        }


def log_as_json(level: str, fields: Mapping[str, str], stream: TextIO | None = None) -> None:
    """Of everything that logs in this process, libraries too.

    Each line has `level`, `time` (ISO 8601, UTC), `logger`, `message`, the given fields, what the
    call has as `extra`, and of an error its stack as `error`.
    """
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        _Line(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"name": "logger", "exc_info": "error"},
            static_fields=dict(fields),
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # What they say of each request and of their own start is said by the server itself.
    for name in ("uvicorn", "botocore", "urllib3", "httpx"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
