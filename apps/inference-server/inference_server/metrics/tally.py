"""What has happened since somebody looked last."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Latencies are kept so exactly. It bounds what is kept, however long nobody looks.
SIGNIFICANT_DIGITS = 3

#: The shortest latency that is told from none, and the longest that is told from longer ones.
SHORTEST_SECONDS = 0.001
LONGEST_SECONDS = 10_000.0


@dataclass(slots=True)
class Counts:
    images: int = 0
    #: Requests that were answered 5xx.
    errors: int = 0
    #: Of requests that were answered with images: seconds, and how many took that long.
    latencies: Counter[float] = field(default_factory=Counter)


class Tally:
    """Counts requests. One thread may count, and another one look."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._counts = Counts()
        self._in_flight = 0
        #: Requests in flight times seconds.
        self._request_seconds = 0.0
        self._looked_at = self._changed_at = clock()

    def began(self) -> None:
        with self._lock:
            self._pass_time()
            self._in_flight += 1

    def ended(self, status: int, latency_seconds: float, images: int) -> None:
        with self._lock:
            self._pass_time()
            self._in_flight -= 1
            self._counts.images += images
            if status >= 500:
                self._counts.errors += 1
            elif status < 400:
                self._counts.latencies[rounded(latency_seconds)] += 1

    def take(self) -> tuple[Counts, float]:
        """What was counted since the last time, and how many were in flight on average since."""
        with self._lock:
            now = self._pass_time()
            seconds = now - self._looked_at
            average = self._request_seconds / seconds if seconds > 0 else float(self._in_flight)
            counts, self._counts = self._counts, Counts()
            self._looked_at, self._request_seconds = now, 0.0
            return counts, average

    def put_back(self, counts: Counts) -> None:
        """What was taken and came to nobody: it is taken again the next time."""
        with self._lock:
            self._counts.images += counts.images
            self._counts.errors += counts.errors
            self._counts.latencies.update(counts.latencies)

    def _pass_time(self) -> float:
        now = self._clock()
        self._request_seconds += self._in_flight * (now - self._changed_at)
        self._changed_at = now
        return now


def rounded(seconds: float) -> float:
    bounded = min(max(seconds, SHORTEST_SECONDS), LONGEST_SECONDS)
    return round(bounded, SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(bounded)))
