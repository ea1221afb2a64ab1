"""Makes batches of what waits, gives them to the workers, and starts those again that fail."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import TYPE_CHECKING

from inference_server.errors import (
    JobRefusedError,
    NotReadyError,
    QueueFullError,
    UserError,
    WorkerFailedError,
)
from inference_server.job import Made
from inference_server.scheduling.observer import BatchObserver, Unobserved
from inference_server.scheduling.queue import JobQueue, Waiting
from inference_server.scheduling.retry_after import RecentBatches, retry_after_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference_server.job import ImageJob, ModelFacts, Picture
    from inference_server.worker.worker import Worker

logger = logging.getLogger(__name__)

#: Starts that may fail one after the other, before the server gives up.
STARTS = 3

#: Batches that may fail one after the other: a device that loads but makes nothing is no use, and
#: another pod may get another one.
FAILED_BATCHES = 3

#: What a client is told that comes before anybody knows how long loading takes.
UNKNOWN_START_SECONDS = 10.0


class _Request:
    """Images that are answered together: all, or an error."""

    def __init__(self, images: int) -> None:
        self.answer: asyncio.Future[list[Made]] = asyncio.get_running_loop().create_future()
        self._made: dict[int, Made] = {}
        self._images = images

    def made(self, position: int, made: Made) -> None:
        self._made[position] = made
        if len(self._made) == self._images and not self.answer.done():
            self.answer.set_result([self._made[each] for each in range(self._images)])

    def failed(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


_Batch = list[Waiting[_Request]]


class _Device:
    """A worker, and whether it works."""

    def __init__(self, number: int, worker: Worker) -> None:
        self.number = number
        self.worker = worker
        self.facts: ModelFacts | None = None
        self.ready = False
        #: Why it is not ready.
        self.reason = "has not been started"
        self.starting = False
        self.since = time.monotonic()
        #: One after the other, with none made between them.
        self.failed_batches = 0
        #: How long the last start took that went well.
        self.start_seconds: float | None = None

    @property
    def problem(self) -> str | None:
        if self.ready:
            return None
        progress = f" ({self.worker.progress})" if self.starting else ""
        return f"worker {self.number} {self.reason}{progress}"

    def seconds_until_ready(self) -> float:
        if self.start_seconds is None:
            return UNKNOWN_START_SECONDS
        return self.start_seconds - (time.monotonic() - self.since)


class Scheduler:
    """Implements Images. All of it runs on one event loop."""

    def __init__(
        self,
        workers: Sequence[Worker],
        *,
        queue_images: int,
        batch_window_seconds: float,
        observer: BatchObserver | None = None,
        backoff_seconds: float = 1.0,
    ) -> None:
        """`queue_images` may wait, besides those that are being made.

        A device that is free waits `batch_window_seconds` for its batch to fill. Between starts
        that fail it waits `backoff_seconds`, then twice that.
        """
        self._devices = [_Device(number, worker) for number, worker in enumerate(workers)]
        self._queue: JobQueue[_Request] = JobQueue(queue_images)
        self._window_seconds = batch_window_seconds
        self._observer: BatchObserver = observer or Unobserved()
        self._backoff_seconds = backoff_seconds
        self._recent = RecentBatches()
        self._open: set[_Request] = set()
        self._facts: ModelFacts | None = None
        #: Something has come, or a device has changed: whoever waits looks again.
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._given_up: Exception | None = None
        self._gave_up = asyncio.Event()

    @property
    def facts(self) -> ModelFacts | None:
        return self._facts

    @property
    def problem(self) -> str | None:
        """Of every device that is not ready, which and why."""
        if self._stopping:
            return "the server is stopping"
        problems = [each.problem for each in self._devices if each.problem]
        return "; ".join(problems) or None

    @property
    def queued_images(self) -> int:
        return len(self._queue)

    def start(self) -> None:
        """Returns at once: `problem` says when the devices are ready."""
        self._tasks = [asyncio.create_task(self._serve(each)) for each in self._devices]

    async def given_up(self) -> Exception:
        """Waits until a device cannot be started, and says why. The process should end then."""
        await self._gave_up.wait()
        if self._given_up is None:
            raise RuntimeError("it has not given up")
        return self._given_up

    def room(self, images: int) -> None:
        """Raises what `make` would, for so many images."""
        ready = sum(each.ready for each in self._devices)
        if self._stopping or not ready:
            seconds = min((each.seconds_until_ready() for each in self._devices), default=0.0)
            raise NotReadyError(
                self.problem or "there is no worker",
                retry_after_seconds(0 if self._stopping else seconds),
            )
        if excess := self._queue.excess(images):
            raise QueueFullError(
                f"{len(self._queue)} images wait, there is no room for {images} more",
                retry_after_seconds(self._recent.seconds_for(excess, ready)),
            )

    async def make(self, jobs: Sequence[ImageJob], tenant: str) -> list[Made]:
        self.room(len(jobs))
        if not jobs:
            return []
        request = _Request(len(jobs))
        self._queue.add(jobs, tenant=tenant, token=request, now=time.monotonic())
        self._open.add(request)
        self._observer.queued(len(self._queue))
        self._changed.set()
        try:
            return await request.answer
        finally:
            self._open.discard(request)
            if self._queue.remove(request):
                self._observer.queued(len(self._queue))

    async def drain(self, seconds: float) -> None:
        """Takes no more, finishes what waits and runs as far as the time allows, then stops."""
        self._stopping = True
        self._changed.set()
        if self._open:
            await asyncio.wait({each.answer for each in self._open}, timeout=seconds)
        await self.stop()

    async def stop(self) -> None:
        """Now. What has not been made is answered by NotReadyError: another server may make it."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for request in self._open:
            request.failed(NotReadyError("the server is stopping", retry_after_seconds(0)))
        for device in self._devices:
            device.ready, device.starting, device.reason = False, False, "was stopped"
        await asyncio.gather(*(each.worker.stop() for each in self._devices))

    async def _serve(self, device: _Device) -> None:
        """Until it is cancelled, or the device is given up."""
        try:
            while True:
                facts = await self._start(device)
                failure = asyncio.create_task(device.worker.failure())
                failure.add_done_callback(lambda _: self._changed.set())
                try:
                    await self._work(device, facts, failure)
                except WorkerFailedError as error:
                    self._failed(device, error)
                    device.failed_batches += 1
                    if device.failed_batches >= FAILED_BATCHES:
                        raise
                finally:
                    failure.cancel()
        except Exception as error:
            # Of a device that is given up, or of a bug here: either way nobody serves it now.
            what = ("worker %d is given up: %s", device.number, error)
            logger.critical(*what, exc_info=not isinstance(error, UserError))
            device.ready, device.starting = False, False
            device.reason = f"is given up: {error}"
            self._given_up = self._given_up or error
            self._gave_up.set()
            if not any(each.ready for each in self._devices):
                for request in self._open:
                    request.failed(WorkerFailedError(f"worker {device.number} {device.reason}"))

    async def _start(self, device: _Device) -> ModelFacts:
        """Raises what is to be given up for."""
        for attempt in range(STARTS):
            if attempt:
                await asyncio.sleep(self._backoff_seconds * 2 ** (attempt - 1))
            device.since = time.monotonic()
            device.starting = True
            if device.facts is None and not attempt:
                device.reason = "is loading the model"
            try:
                facts = await device.worker.start(self._observer.step)
            except UserError as error:
                if device.facts is None:
                    raise
                # It could be loaded once: a volume may be away for a moment.
                last: Exception = error
            except WorkerFailedError as error:
                last = error
            else:
                device.facts = self._facts = facts
                device.start_seconds = time.monotonic() - device.since
                device.ready, device.starting = True, False
                logger.info("worker %d is ready after %.1f s", device.number, device.start_seconds)
                self._changed.set()
                return facts
            device.starting = False
            self._failed(device, last)
        raise last

    def _failed(self, device: _Device, error: Exception) -> None:
        logger.error("worker %d has failed: %s", device.number, error)
        device.ready = False
        device.reason = f"is started again after an error: {error}"
        self._observer.worker_failed()

    async def _work(
        self, device: _Device, facts: ModelFacts, failure: asyncio.Task[WorkerFailedError]
    ) -> None:
        """Raises WorkerFailedError when the worker has failed."""
        while True:
            if failure.done():
                raise failure.result()
            # A server that stops gets no more to fill a batch with.
            window_seconds = 0 if self._stopping else self._window_seconds
            batch = self._queue.next_batch(time.monotonic(), facts.max_batch, window_seconds)
            if isinstance(batch, list):
                self._observer.queued(len(self._queue))
                await self._make(device, batch)
                continue
            self._changed.clear()
            await self._wait_for_change(None if batch == math.inf else batch)

    async def _wait_for_change(self, seconds: float | None) -> None:
        # Not wait_for: before Python 3.12 it forgets a cancel that meets the event.
        change = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({change}, timeout=seconds)
        finally:
            change.cancel()

    async def _make(self, device: _Device, batch: _Batch) -> None:
        """Answers the requests of the batch. Raises WorkerFailedError too, having told them."""
        began = time.monotonic()
        try:
            drawn = await self._run(device.worker, batch)
        except JobRefusedError as error:
            if len(batch) == 1:
                batch[0].token.failed(error)
                return
        except WorkerFailedError as error:
            _fail(batch, error)
            raise
        else:
            device.failed_batches = 0
            self._deliver(batch, drawn, began)
            return
        # One of them cannot be made, and nobody says which.
        for done, waiting in enumerate(batch):
            if waiting.token.answer.done():
                continue
            try:
                await self._make(device, [waiting])
            except WorkerFailedError as error:
                _fail(batch[done + 1 :], error)
                raise

    async def _run(self, worker: Worker, batch: _Batch) -> list[tuple[Picture, bool]]:
        try:
            return await worker.run([waiting.job for waiting in batch])
        except (JobRefusedError, WorkerFailedError):
            raise
        except Exception as error:
            logger.exception("a worker has failed in a way that it should not")
            raise WorkerFailedError(f"{type(error).__name__}: {error}") from error

    def _deliver(self, batch: _Batch, drawn: Sequence[tuple[Picture, bool]], began: float) -> None:
        run_seconds = time.monotonic() - began
        queue_seconds = [began - waiting.since for waiting in batch]
        self._recent.add(len(batch), run_seconds)
        self._observer.batch_made(len(batch), queue_seconds, run_seconds)
        for waiting, waited, (picture, flagged) in zip(batch, queue_seconds, drawn, strict=True):
            waiting.token.made(
                waiting.position,
                Made(
                    picture=picture,
                    flagged=flagged,
                    queue_seconds=waited,
                    run_seconds=run_seconds,
                    batch_size=len(batch),
                ),
            )


def _fail(batch: _Batch, error: WorkerFailedError) -> None:
    for waiting in batch:
        # Each its own: whoever raises an error adds to its stack.
        waiting.token.failed(WorkerFailedError(str(error)))
