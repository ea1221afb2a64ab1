"""One life of a worker's process, from the server's side."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import signal
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from inference_server.errors import WorkerFailedError
from inference_server.worker.messages import HEADER, packed
from inference_server.worker.output_lines import log_lines
from inference_server.worker.process_group import end_process_group

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable, Mapping

    from inference_server.worker.messages import FromWorker, ToWorker

logger = logging.getLogger(__name__)

#: In seconds: for the last messages and lines of a process that has ended, and for the end of a
#: process that has closed its pipe.
LAST_WORDS_SECONDS = 1.0

#: In bytes, read ahead of what is taken: pictures are large.
READ_AHEAD = 1 << 20

# With the modules' paths of this process, as multiprocessing's spawn does it. A new interpreter,
# not a fork: accelerators' runtimes do not survive one, nor do threads.
BOOT = """\
import sys
sys.path[:] = {path!r}
from inference_server.worker.process import main
main({descriptor})
"""


class Child:
    """A process in a group of its own, which a terminal's Ctrl-C does not reach.

    It ends when its pipe is closed, so also when this process dies.
    """

    def __init__(
        self,
        process: Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        output: asyncio.Task[None],
        told: Callable[[FromWorker], None],
    ) -> None:
        self._process = process
        self._writer = writer
        self._output = output
        #: Done when the process has ended, or cannot be talked with, before `end` was called.
        self.failed: asyncio.Future[WorkerFailedError] = asyncio.get_running_loop().create_future()
        self._watching = asyncio.create_task(self._watch(reader, told))

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: ToWorker) -> None:
        """Does not wait, and does not fail: `failed` tells."""
        self._writer.write(packed(message))

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    async def end(self, patience_seconds: float) -> None:
        """Closes the pipe, and kills what has not ended in the given time. Can be repeated."""
        self._watching.cancel()
        await asyncio.wait({self._watching})
        self._writer.close()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._process.wait(), patience_seconds)
        self.kill()
        await self._process.wait()
        await end_process_group(self.pid)
        await asyncio.wait({self._output}, timeout=LAST_WORDS_SECONDS)
        self._output.cancel()

    async def _watch(
        self, reader: asyncio.StreamReader, told: Callable[[FromWorker], None]
    ) -> None:
        listening = asyncio.create_task(_listen(reader, told))
        exited = asyncio.create_task(self._process.wait())
        both = {listening, exited}
        try:
            # Either alone says that it has ended: what it has started may hold on to the pipe.
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait(both, timeout=LAST_WORDS_SECONDS)
            if not exited.done():
                logger.error("the worker's process has closed its pipe, and is ended")
                self.kill()
            status = await exited
            if listening.done() and (error := listening.exception()):
                logger.error("a message of the worker's process made no sense", exc_info=error)
        finally:
            for task in both:
                task.cancel()
        self.failed.set_result(WorkerFailedError(f"its process has ended: {_ending(status)}"))


async def spawn(
    environment: Mapping[str, str],
    output: logging.LoggerAdapter[logging.Logger],
    told: Callable[[FromWorker], None],
) -> Child:
    """Starts a process that waits to be told what to load.

    `output` gets what it prints, line by line; `told` is called with each message of it.
    """
    own_end, its_end = socket.socketpair()
    reading, writing = os.pipe()
    printed = asyncio.create_task(log_lines(reading, output))
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-u",
            "-c",
            BOOT.format(path=sys.path, descriptor=its_end.fileno()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            pass_fds=[its_end.fileno()],
            env=environment,
            start_new_session=True,
        )
    except BaseException:
        own_end.close()
        raise
    finally:
        its_end.close()
        os.close(writing)
    try:
        reader, writer = await asyncio.open_unix_connection(sock=own_end, limit=READ_AHEAD)
    except BaseException:
        own_end.close()
        process.kill()
        raise
    return Child(process, reader, writer, printed, told)


async def _listen(reader: asyncio.StreamReader, told: Callable[[FromWorker], None]) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            (length,) = HEADER.unpack(await reader.readexactly(HEADER.size))
            told(cast("FromWorker", pickle.loads(await reader.readexactly(length))))  # noqa: S301


def _ending(status: int) -> str:
    """Of an exit status as asyncio gives it: a signal's number is negative."""
    if status >= 0:
        return f"exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    # What a person would look for next.
    return f"{name}, out of memory?" if name == "SIGKILL" else name
