"""Puts the parts together, and serves until the process is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from inference_server import __version__
from inference_server.api.app import create_app
from inference_server.compiling.compiled_for import as_compiled
from inference_server.errors import UserError
from inference_server.frameworks.framework import module_of
from inference_server.log import log_as_json
from inference_server.metrics.metrics import Metrics
from inference_server.scheduling.scheduler import Scheduler
from inference_server.worker.device import device_environment
from inference_server.worker.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inference_server.settings import Settings

logger = logging.getLogger(__name__)

#: Connections that wait to be accepted: a load balancer opens many at once.
BACKLOG = 512

#: After the drain, to write the last answers.
ANSWER_SECONDS = 5


class Server(uvicorn.Server):
    """Uvicorn ends its process by the signal that stopped it; Kubernetes wants 0.

    So signals are not its own here.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(settings: Settings, framework: str | None = None) -> int:
    """Returns the exit status: 0 when it was told to stop, 1 when a device cannot be used any more.

    `framework` is another module than that of the settings' framework. Raises UserError when the
    settings or the model are wrong.
    """
    fields = {"app": "inference-server", "unit": settings.unit, "model": settings.model}
    log_as_json(settings.log_level, fields)
    return asyncio.run(_serve(as_compiled(settings), framework))


async def _serve(settings: Settings, framework: str | None) -> int:
    metrics = Metrics(settings)
    workers = _workers(settings, framework or module_of(settings.framework))
    scheduler = Scheduler(
        workers,
        queue_images=settings.queue_images,
        batch_window_seconds=settings.batch_window_ms / 1000,
        observer=metrics,
    )
    metrics.watch(scheduler, workers)
    app = create_app(settings, scheduler, registry=metrics.registry, observer=metrics)
    server = Server(
        uvicorn.Config(
            app,
            host="0.0.0.0",  # noqa: S104 - of a container: its network decides who reaches it.
            port=settings.port,
            backlog=BACKLOG,
            # By then the scheduler has answered all that it had.
            timeout_graceful_shutdown=round(settings.drain_seconds) + ANSWER_SECONDS,
            # Longer than the load balancer's idle time of 60 s, so that it closes, not we.
            timeout_keep_alive=75,
            log_config=None,
            access_log=False,
            server_header=False,
        )
    )
    logger.info("starting", extra={"version": __version__, "framework": settings.framework})
    metrics.start()
    scheduler.start()
    serving = asyncio.create_task(server.serve())
    giving_up = asyncio.create_task(scheduler.given_up())
    told = asyncio.create_task(_told_to_stop())
    try:
        await asyncio.wait({serving, giving_up, told}, return_when=asyncio.FIRST_COMPLETED)
        # It takes no new connections from now on, and waits for the requests that it has.
        server.should_exit = True
        await scheduler.drain(settings.drain_seconds)
        await serving
    finally:
        told.cancel()
        giving_up.cancel()
        await scheduler.stop()
        await metrics.stop()
    if not giving_up.done() or giving_up.cancelled():
        logger.info("stopped")
        return 0
    error = giving_up.result()
    if isinstance(error, UserError):
        raise error
    logger.critical("a device cannot be used: %s", error)
    return 1


async def _told_to_stop() -> None:
    """By SIGTERM or SIGINT."""
    told = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, told.set)
    await told.wait()


def _workers(settings: Settings, framework: str) -> list[WorkerProcess]:
    """One for each device of the pod."""
    return [
        WorkerProcess(
            f"worker {number}",
            framework,
            settings.model_path,
            settings,
            longest_run_seconds=settings.longest_run_seconds,
            environment=device_environment(
                settings.framework, number, settings.devices, os.environ
            ),
        )
        for number in range(settings.devices)
    ]
