"""What somebody who watches `kubectl logs` sees of hours of compiling."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from inference_server.loading.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inference_server.loading.steps import Step

logger = logging.getLogger(__name__)

EVERY_SECONDS = 60.0


class Progress:
    """Logs each step when it begins and when it has ended, and meanwhile that it goes on."""

    def __init__(self) -> None:
        self._step: Step | None = None
        self._since = time.monotonic()
        self.steps = Steps(self._began, self._ended)

    def _began(self, step: Step) -> None:
        self._step, self._since = step, time.monotonic()
        logger.info("%s begins", step, extra={"step": step})

    def _ended(self, step: Step, seconds: float) -> None:
        self._step = None
        logger.info("%s has ended", step, extra={"step": step, "seconds": round(seconds, 3)})

    @contextmanager
    def going_on(self, every_seconds: float = EVERY_SECONDS) -> Iterator[None]:
        done = threading.Event()

        def tell() -> None:
            while not done.wait(every_seconds):
                seconds = round(time.monotonic() - self._since)
                if self._step is not None:
                    logger.info(
                        "%s goes on", self._step, extra={"step": self._step, "seconds": seconds}
                    )

        thread = threading.Thread(target=tell, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
