"""The end of a process and of all that it has started."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress

#: In seconds, for the kernel to end what was killed.
REAP_SECONDS = 2.0


async def end_process_group(group: int) -> None:
    """Kills what is left of the group, and waits for those whose parent this process has become.

    In a container the server is process 1, which inherits the compilers that a dead worker had
    started: nobody else would ever take them off the process table. Call it when the group's
    leader has been waited for, which is for whoever has started that.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    until = time.monotonic() + REAP_SECONDS
    with suppress(ChildProcessError):
        while time.monotonic() < until:
            pid, _ = os.waitpid(-group, os.WNOHANG)  # noqa: ASYNC222 - it does not wait.
            if pid == 0:
                await asyncio.sleep(0.01)
