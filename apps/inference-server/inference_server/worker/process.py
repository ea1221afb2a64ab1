"""A worker's process: loads the model with its framework, and makes the batches it is sent.

It ends when the server closes the pipe or dies, and by no signal but SIGKILL: on SIGTERM the
server has images to finish.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import pickle
import queue
import signal
import socket
import threading
import time
from importlib import import_module
from typing import TYPE_CHECKING, cast

from inference_server.errors import JobRefusedError, UserError
from inference_server.job import Picture
from inference_server.loading.steps import Steps
from inference_server.worker.messages import (
    HEADER,
    Broken,
    Drawn,
    Load,
    Loaded,
    Logged,
    Refused,
    Run,
    StepBegan,
    StepEnded,
    Unloadable,
    Utilisation,
    packed,
)

if TYPE_CHECKING:
    from inference_server.frameworks.framework import Framework, Pipeline
    from inference_server.worker.messages import FromWorker, ToWorker

logger = logging.getLogger(__name__)

#: In seconds, for what the framework does at exit, and for a batch that nobody waits for any more.
EXIT_SECONDS = 5.0

PLAIN = (str, int, float, bool, type(None))


class ServerGoneError(Exception):
    """Nobody reads what is sent any more."""


class Pipe:
    """To the server. Every thread may send, one receives."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        # What the framework starts must not keep it open.
        self._socket.set_inheritable(False)
        self._file = self._socket.makefile("rb")
        self._sending = threading.Lock()

    def send(self, message: FromWorker) -> None:
        data = packed(message)
        try:
            with self._sending:
                self._socket.sendall(data)
        except OSError:
            raise ServerGoneError from None

    def receive(self) -> ToWorker | None:
        """None: the server has closed it, or is dead."""
        try:
            header = self._file.read(HEADER.size)
            if len(header) < HEADER.size:
                return None
            (length,) = HEADER.unpack(header)
            body = self._file.read(length)
        except OSError:
            return None
        return cast("ToWorker", pickle.loads(body)) if len(body) == length else None  # noqa: S301


class LogToServer(logging.Handler):
    """So that there is one stream of lines, in one form."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        try:
            stack = record.exc_text
            if record.exc_info:
                stack = logging.Formatter().formatException(record.exc_info)
            fields: dict[str, object] = {
                name: value if type(value) in PLAIN else str(value)
                for name, value in vars(record).items()
            }
            fields |= {"msg": record.getMessage(), "args": None, "exc_info": None}
            self._pipe.send(Logged({**fields, "exc_text": stack}))
        except ServerGoneError:
            pass
        except Exception:  # noqa: BLE001 - as every handler does: a log line breaks nothing.
            self.handleError(record)


def main(descriptor: int) -> None:
    """`descriptor` is of one end of a pair of stream sockets."""
    # Handlers, not SIG_IGN: what the framework starts would inherit that.
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, lambda _signal, _frame: None)
    faulthandler.enable()
    pipe = Pipe(descriptor)
    load = pipe.receive()
    if not isinstance(load, Load):
        return
    logging.basicConfig(level=load.log_level, handlers=[LogToServer(pipe)])

    asked: queue.SimpleQueue[ToWorker | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, asked), daemon=True).start()
    try:
        _work(load, pipe, asked)
    except ServerGoneError:
        logger.debug("the server has gone")


def _listen(pipe: Pipe, asked: queue.SimpleQueue[ToWorker | None]) -> None:
    """In a thread of its own, so that the end of the server is noticed during a batch too."""
    while True:
        message = pipe.receive()
        asked.put(message)
        if message is None:
            time.sleep(EXIT_SECONDS)
            os._exit(1)


def _work(load: Load, pipe: Pipe, asked: queue.SimpleQueue[ToWorker | None]) -> None:
    try:
        steps = Steps(
            lambda name: pipe.send(StepBegan(name)),
            lambda name, seconds: pipe.send(StepEnded(name, seconds)),
        )
        with steps.step("import"):
            framework = cast("Framework", import_module(load.framework))
        pipeline = framework.load(load.folder, load.options, steps)
        facts = pipeline.facts
    except ServerGoneError:
        raise
    except UserError as error:
        pipe.send(Unloadable(str(error)))
        return
    except Exception as error:
        logger.exception("the model could not be loaded")
        pipe.send(Broken(_message(error)))
        return
    pipe.send(Loaded(facts))
    threading.Thread(
        target=_measure, args=(framework, pipe, load.utilisation_every_seconds), daemon=True
    ).start()
    while True:
        message = asked.get()
        if not isinstance(message, Run):
            return
        answer = _run(pipeline, message)
        # Pictures of a batch are large: they are not kept until the next.
        del message
        pipe.send(answer)
        if isinstance(answer, Broken):
            return
        del answer


def _run(pipeline: Pipeline, asked: Run) -> Drawn | Refused | Broken:
    try:
        drawn = pipeline.generate(asked.jobs)
        if len(drawn) != len(asked.jobs):
            raise RuntimeError(f"{len(drawn)} pictures of {len(asked.jobs)} jobs")  # noqa: TRY301
        # A framework's own numbers look like Python's, and are pickled as what they are.
        return Drawn(
            tuple(
                (Picture(int(each.width), int(each.height), bytes(each.rgb)), bool(flagged))
                for each, flagged in drawn
            )
        )
    except JobRefusedError as error:
        return Refused(str(error))
    except Exception as error:
        logger.exception("a batch of %d has failed", len(asked.jobs))
        return Broken(_message(error))


def _measure(framework: Framework, pipe: Pipe, every_seconds: float) -> None:
    """In a thread of its own: a driver that is asked during a batch says what the batch uses."""
    try:
        while True:
            value = framework.utilisation()
            pipe.send(Utilisation(None if value is None else float(value)))
            time.sleep(every_seconds)
    except ServerGoneError:
        pass
    except Exception:
        logger.exception("the device's utilisation is not known from here on")
        pipe.send(Utilisation(None))


def _message(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
