"""The interface of what makes images, as the rest of the server sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inference_server.errors import WorkerFailedError
    from inference_server.job import ImageJob, ModelFacts, Picture
    from inference_server.loading.steps import Step


class Worker(Protocol):
    """A device with a model on it, one call at a time."""

    async def start(self, step_ended: Callable[[Step, float], None]) -> ModelFacts:
        """Loads the model and warms it up; again after it has failed.

        Tells of each step of loading and its seconds. Raises UserError when the model cannot be
        loaded by anybody, WorkerFailedError otherwise.
        """

    @property
    def progress(self) -> str:
        """What `start` is at, for people: "read, 12 s"."""

    async def failure(self) -> WorkerFailedError:
        """Waits until a worker that has started fails, while it runs a batch or nothing."""

    async def run(self, jobs: Sequence[ImageJob]) -> list[tuple[Picture, bool]]:
        """Makes a picture of each job, which all have one shape, and says whether it was flagged.

        Raises JobRefusedError for what the model cannot do; WorkerFailedError when the device or
        its process has failed: it has to be started again.
        """

    async def stop(self) -> None:
        """It can be started again. Does nothing to one that has not been started."""
