"""How often somebody may ask."""

from __future__ import annotations

SECONDS_PER_MINUTE = 60.0


class TokenBucket:
    """Holds a minute's tokens at most, and fills evenly; a request takes one.

    So a minute's requests may come at once, and no more than two minutes' in any minute. Times are
    seconds of a clock that does not go back.
    """

    def __init__(self, per_minute: int, now_seconds: float) -> None:
        self._per_minute = per_minute
        self._tokens = float(per_minute)
        self._since_seconds = now_seconds

    def take(self, now_seconds: float) -> float:
        """Takes a token, and gives 0; or takes none, and gives the seconds until there is one."""
        self._fill(now_seconds)
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) * SECONDS_PER_MINUTE / self._per_minute

    def change(self, per_minute: int, now_seconds: float) -> None:
        """To another rate. What has been taken stays taken."""
        self._fill(now_seconds)
        self._tokens += per_minute - self._per_minute
        self._per_minute = per_minute

    def _fill(self, now_seconds: float) -> None:
        seconds = max(0.0, now_seconds - self._since_seconds)
        self._since_seconds = now_seconds
        filled = self._tokens + seconds * self._per_minute / SECONDS_PER_MINUTE
        self._tokens = min(float(self._per_minute), filled)
