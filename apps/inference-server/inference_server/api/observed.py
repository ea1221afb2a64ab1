"""Tells whoever counts of each request for images."""

from __future__ import annotations

from typing import Protocol


class RequestObserver(Protocol):
    """Is called in the event loop, once each for every generation, edit and invocation."""

    def began(self) -> None:
        """It has arrived: nothing has been read or checked."""

    def ended(self, status: int, latency_seconds: float, images: int) -> None:
        """It has been answered, or its client has gone (499); `images` were given."""


class NobodyObserves:
    """For an app that nobody counts."""

    def began(self) -> None:
        pass

    def ended(self, status: int, latency_seconds: float, images: int) -> None:
        pass
