"""When one who was turned away should come again."""

from __future__ import annotations

import math
from collections import deque

#: In seconds: below, it is not worth a client's while to wait; above, nobody can tell.
LEAST, MOST = 1, 60

#: Batches that say how fast images are made now.
RECENT_BATCHES = 16


def retry_after_seconds(seconds: float) -> int:
    """Of an estimate, what a client is told: whole seconds."""
    return max(LEAST, min(MOST, math.ceil(seconds)))


class RecentBatches:
    """How long an image takes, as the last batches had it."""

    def __init__(self) -> None:
        self._batches: deque[tuple[int, float]] = deque(maxlen=RECENT_BATCHES)

    def add(self, images: int, seconds: float) -> None:
        self._batches.append((images, seconds))

    def seconds_for(self, images: int, devices: int) -> float:
        """0 while no batch has been made."""
        made = sum(images for images, _ in self._batches)
        seconds = sum(seconds for _, seconds in self._batches)
        return images * seconds / made / max(1, devices) if made else 0.0
