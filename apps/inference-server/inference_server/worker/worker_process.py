"""A worker whose framework runs in a process of its own, which can die without the server."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from inference_server.errors import JobRefusedError, UserError, WorkerFailedError
from inference_server.settings import SECRETS
from inference_server.worker.child import Child, spawn
from inference_server.worker.messages import (
    Broken,
    Drawn,
    Load,
    Loaded,
    Logged,
    Options,
    Refused,
    Run,
    StepBegan,
    StepEnded,
    Unloadable,
    Utilisation,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from inference_server.frameworks.framework import LoadOptions
    from inference_server.job import ImageJob, ModelFacts, Picture
    from inference_server.loading.steps import Step
    from inference_server.worker.messages import FromWorker, ToWorker

logger = logging.getLogger(__name__)

NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


class WorkerProcess:
    """Implements Worker."""

    def __init__(
        self,
        name: str,
        framework: str,
        folder: Path,
        options: LoadOptions,
        *,
        environment: Mapping[str, str] = NO_VARIABLES,
        longest_run_seconds: float = 300,
        longest_start_seconds: float = 900,
        stop_seconds: float = 10,
        utilisation_every_seconds: float = 5,
    ) -> None:
        """`name` is for log lines. `framework` is a module's path.

        `environment` (see device.py) is added to this process's own, which is passed on without
        its secrets. A batch and a start that take longer than they may are given up and their
        process is killed: a runtime that hangs does not say so. 900 s is what Kubernetes gives a
        pod to become ready.
        """
        self._name = name
        self._load = Load(
            framework=framework,
            folder=folder,
            options=Options(
                model_id=options.model_id,
                verify_files=options.verify_files,
                sizes=tuple(options.sizes),
                max_batch=options.max_batch,
                safety_checker=options.safety_checker,
                lora_folder=options.lora_folder,
                cache_folder=options.cache_folder,
            ),
            log_level=logging.getLogger().getEffectiveLevel(),
            utilisation_every_seconds=utilisation_every_seconds,
        )
        self._environment = environment
        self._longest_run_seconds = longest_run_seconds
        self._longest_start_seconds = longest_start_seconds
        self._stop_seconds = stop_seconds
        self._child: Child | None = None
        self._answer: asyncio.Future[FromWorker] | None = None
        self._step_ended: Callable[[Step, float], None] | None = None
        self._doing = "starting"
        self._doing_since = time.monotonic()
        self._utilisation: float | None = None

    @property
    def pid(self) -> int | None:
        """Of its process. None: there is none."""
        return self._child.pid if self._child else None

    @property
    def utilisation(self) -> float | None:
        """Of the device, 0 to 1, as its driver said last. None: it does not."""
        return self._utilisation

    @property
    def progress(self) -> str:
        return f"{self._doing}, {time.monotonic() - self._doing_since:.0f} s"

    async def start(self, step_ended: Callable[[Step, float], None]) -> ModelFacts:
        await self._end(0)
        self._step_ended = step_ended
        self._does("starting")
        self._child = await spawn(
            {**_own_environment(), **self._environment},
            logging.LoggerAdapter(
                logging.getLogger("inference_server.worker.output"), {"worker": self._name}
            ),
            self._told,
        )
        answer = await self._ask(self._child, self._load, self._longest_start_seconds)
        if isinstance(answer, Loaded):
            return answer.facts
        await self._end(0)
        if isinstance(answer, Unloadable):
            raise UserError(answer.message)
        raise _failure(answer)

    async def run(self, jobs: Sequence[ImageJob]) -> list[tuple[Picture, bool]]:
        if self._child is None:
            raise WorkerFailedError("it has not been started")
        answer = await self._ask(self._child, Run(tuple(jobs)), self._longest_run_seconds)
        if isinstance(answer, Drawn):
            return list(answer.pictures)
        if isinstance(answer, Refused):
            raise JobRefusedError(answer.message)
        await self._end(0)
        raise _failure(answer)

    async def failure(self) -> WorkerFailedError:
        if self._child is None:
            return WorkerFailedError("it has not been started")
        return await asyncio.shield(self._child.failed)

    async def stop(self) -> None:
        await self._end(self._stop_seconds)

    async def _end(self, patience_seconds: float) -> None:
        if self._child is not None:
            await self._child.end(patience_seconds)
        self._child = None
        self._utilisation = None

    async def _ask(self, child: Child, message: ToWorker, longest_seconds: float) -> FromWorker:
        if self._answer is not None:
            raise RuntimeError("a worker takes one call at a time")
        answer: asyncio.Future[FromWorker] = asyncio.get_running_loop().create_future()
        self._answer = answer
        child.send(message)
        try:
            either: set[asyncio.Future[Any]] = {answer, child.failed}
            await asyncio.wait(either, timeout=longest_seconds, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            # Its answer would be taken for the next call's.
            child.kill()
            raise
        finally:
            self._answer = None
        if answer.done():
            return answer.result()
        if child.failed.done():
            error = child.failed.result()
        else:
            error = WorkerFailedError(
                f"no answer in {longest_seconds:g} s while {self._doing}: its process was killed"
            )
        await self._end(0)
        raise error

    def _told(self, message: FromWorker) -> None:
        if isinstance(message, Logged):
            record = logging.makeLogRecord({**message.record, "worker": self._name})
            of = logging.getLogger(record.name)
            if of.isEnabledFor(record.levelno):
                of.handle(record)
        elif isinstance(message, Utilisation):
            self._utilisation = message.value
        elif isinstance(message, StepBegan):
            self._does(message.name)
        elif isinstance(message, StepEnded):
            logger.info(
                "%s took %.1f s",
                message.name,
                message.seconds,
                extra={"worker": self._name, "step": message.name, "seconds": message.seconds},
            )
            self._does("starting")
            if self._step_ended:
                self._step_ended(message.name, message.seconds)
        elif self._answer is not None and not self._answer.done():
            self._does("running")
            self._answer.set_result(message)

    def _does(self, what: str) -> None:
        self._doing = what
        self._doing_since = time.monotonic()


def _own_environment() -> dict[str, str]:
    # Settings are read whatever the case of their names.
    return {name: value for name, value in os.environ.items() if name.upper() not in SECRETS}


def _failure(answer: FromWorker) -> WorkerFailedError:
    return WorkerFailedError(answer.message if isinstance(answer, Broken) else repr(answer))
