"""Images without a model: they are there at once, or go wrong as they are told to."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from inference_server.errors import NotReadyError, QueueFullError
from inference_server.job import Made, ModelFacts, Picture, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference_server.job import ImageJob

FACTS = ModelFacts(
    sizes=(Size(64, 64), Size(96, 64), Size(64, 96)),
    max_batch=4,
    loras=("ink", "clay"),
    edits=True,
    default_steps=4,
    default_guidance=7.5,
)


def drawn(job: ImageJob) -> Picture:
    """The source, where there is one; else a gradient under noise, of the seed and the prompt."""
    size = job.shape.size
    if job.source is not None:
        return job.source
    noise = random.Random(f"{job.seed}:{job.prompt}").randbytes(size.width * size.height * 3)
    rgb = bytes((each >> 3) + (index * 200 // len(noise)) for index, each in enumerate(noise))
    return Picture(size.width, size.height, rgb)


class InstantImages:
    """An `Images`; may be changed from any thread."""

    def __init__(self, facts: ModelFacts | None = FACTS) -> None:
        self.facts = facts
        #: Why it is not ready.
        self.problem: str | None = None
        #: Is raised instead of making images.
        self.error: Exception | None = None
        #: Images are not made as long as this is so.
        self.is_slow = False
        #: Images that may wait; as many as are asked for, unless a test says how many.
        self.free_images: int | None = None
        self.flagged_seeds: frozenset[int] = frozenset()
        #: What was asked for: the jobs of each call, and its tenant.
        self.asked: list[tuple[list[ImageJob], str]] = []
        #: Calls that are under way, and that were cancelled.
        self.under_way = 0
        self.cancelled = 0

    def be_full(self) -> None:
        self.error = QueueFullError("64 images are waiting already", 7)

    def be_unready(self) -> None:
        self.problem = "the model is loaded again"
        self.error = NotReadyError(self.problem, 30)

    def room(self, images: int) -> None:
        if isinstance(self.error, QueueFullError):
            raise self.error
        if self.free_images is not None and images > self.free_images:
            raise QueueFullError(f"there is no room for {images} images", 7)

    async def make(self, jobs: Sequence[ImageJob], tenant: str) -> list[Made]:
        self.asked.append((list(jobs), tenant))
        self.room(len(jobs))
        if self.error is not None:
            raise self.error
        self.under_way += 1
        try:
            # Changed by other threads, which no asyncio.Event takes.
            while self.is_slow:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.under_way -= 1
        return [
            Made(drawn(job), job.seed in self.flagged_seeds, 0.25, 1.5, len(jobs)) for job in jobs
        ]
