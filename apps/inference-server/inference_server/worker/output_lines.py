"""What a process prints, as log lines."""

from __future__ import annotations

import asyncio
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

#: A progress bar's returns end a line too.
LINE_END = re.compile(rb"[\r\n]+")

#: In bytes. A longer one is cut into several.
LONGEST_LINE = 8192


async def log_lines(descriptor: int, logger: logging.LoggerAdapter[logging.Logger]) -> None:
    """Until all who can write have closed the pipe, of which `descriptor` is the reading end.

    Closes it. Lines of nothing but spaces are left out.
    """
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        rest = b""
        while chunk := await reader.read(LONGEST_LINE):
            *lines, rest = LINE_END.split(rest + chunk)
            if len(rest) >= LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                _log(line, logger)
        _log(rest, logger)
    finally:
        transport.close()


def _log(line: bytes, logger: logging.LoggerAdapter[logging.Logger]) -> None:
    text = line.decode(errors="replace").rstrip()
    if text:
        logger.info(text)
