"""The interface by which metrics learn what the scheduler does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference_server.loading.steps import Step


class BatchObserver(Protocol):
    """Is called on the event loop: no call may wait or raise."""

    def batch_made(self, size: int, queue_seconds: Sequence[float], run_seconds: float) -> None:
        """A batch of `size` images ran for `run_seconds`, which each had waited before."""

    def queued(self, images: int) -> None:
        """So many images wait now."""

    def worker_failed(self) -> None:
        """A device or its process has failed, while it loaded or later."""

    def step(self, name: Step, seconds: float) -> None:
        """A step of loading has ended."""


class Unobserved:
    """Nobody wants to know."""

    def batch_made(self, size: int, queue_seconds: Sequence[float], run_seconds: float) -> None:
        pass

    def queued(self, images: int) -> None:
        pass

    def worker_failed(self) -> None:
        pass

    def step(self, name: Step, seconds: float) -> None:
        pass
