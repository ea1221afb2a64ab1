"""Real worker processes of the drawing framework, and a scheduler on them."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from drawing_framework import SIZES

from inference_server.job import ImageJob, Shape
from inference_server.scheduling.scheduler import Scheduler
from inference_server.worker.messages import Options
from inference_server.worker.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from inference_server.job import Size
    from inference_server.scheduling.observer import BatchObserver

OPTIONS = Options(
    model_id=None,
    verify_files=False,
    sizes=(),
    max_batch=None,
    safety_checker=False,
    lora_folder=None,
    cache_folder=Path("/tmp"),
)

#: For what has to happen at some time; far above what it takes.
LIMIT_SECONDS = 60.0


def job(prompt: str = "a fox", seed: int = 0, size: Size = SIZES[0]) -> ImageJob:
    return ImageJob(
        shape=Shape(size=size, steps=4, guidance=7.5), prompt=prompt, negative_prompt="", seed=seed
    )


def worker(
    folder: Path,
    *,
    name: str = "worker 0",
    longest_run_seconds: float = LIMIT_SECONDS,
    longest_start_seconds: float = LIMIT_SECONDS,
    stop_seconds: float = 10,
) -> WorkerProcess:
    return WorkerProcess(
        name,
        "drawing_framework",
        folder,
        OPTIONS,
        longest_run_seconds=longest_run_seconds,
        longest_start_seconds=longest_start_seconds,
        stop_seconds=stop_seconds,
        utilisation_every_seconds=0.01,
    )


def batches(folder: Path) -> list[list[str]]:
    """Prompts of what the workers of this folder have begun to make."""
    file = folder / "batches"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


async def until(holds: Callable[[], object], what: str) -> None:
    async def poll() -> None:
        while not holds():  # noqa: ASYNC110 - of other processes, which set no event.
            await asyncio.sleep(0.005)

    try:
        await asyncio.wait_for(poll(), LIMIT_SECONDS)
    except asyncio.TimeoutError:
        raise AssertionError(f"{what}: not in {LIMIT_SECONDS:g} s") from None


def is_alive(pid: int) -> bool:
    """Not as a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def descriptors() -> int:
    """How many files, sockets and pipes this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


@asynccontextmanager
async def scheduler_on(
    workers: Sequence[WorkerProcess],
    *,
    queue_images: int = 64,
    batch_window_seconds: float = 0.01,
    observer: BatchObserver | None = None,
    until_ready: bool = True,
) -> AsyncIterator[Scheduler]:
    scheduler = Scheduler(
        workers,
        queue_images=queue_images,
        batch_window_seconds=batch_window_seconds,
        observer=observer,
        backoff_seconds=0.01,
    )
    scheduler.start()
    try:
        if until_ready:
            await until(lambda: scheduler.problem is None, "the workers are ready")
        yield scheduler
    finally:
        await scheduler.stop()
