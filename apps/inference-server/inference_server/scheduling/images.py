"""The interface by which HTTP asks for images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference_server.job import ImageJob, Made, ModelFacts


class Images(Protocol):
    """Makes images, as far as there is room."""

    @property
    def facts(self) -> ModelFacts | None:
        """None: the model has not been loaded yet."""

    @property
    def problem(self) -> str | None:
        """Why it is not ready. None: it is."""

    def room(self, images: int) -> None:
        """Returns when `make` would take so many now; else raises what it would raise at once.

        For those whose request is dear to read: nothing is kept free for them.
        """

    async def make(self, jobs: Sequence[ImageJob], tenant: str) -> list[Made]:
        """One of each job, in their order. Cancelled, what has not begun is never made.

        Raises QueueFullError (NotReadyError among them) at once, JobRefusedError,
        WorkerFailedError.
        """
