"""How long each step of loading takes: scale-out time is made of them. And those of compiling."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Step = Literal["import", "find", "read", "place", "compile", "warm-up", "store"]


class Steps:
    """Tells somebody of each step when it begins and when it has ended."""

    def __init__(
        self,
        began: Callable[[Step], None] | None = None,
        ended: Callable[[Step, float], None] | None = None,
    ) -> None:
        self._began = began
        self._ended = ended

    @contextmanager
    def step(self, name: Step) -> Iterator[None]:
        """Tells of nothing that fails: what is raised says that."""
        if self._began:
            self._began(name)
        since = time.perf_counter()
        yield
        if self._ended:
            self._ended(name, time.perf_counter() - since)
