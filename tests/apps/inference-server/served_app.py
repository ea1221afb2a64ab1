"""The app behind a real uvicorn on loopback, and what tests ask of it."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from inference_server.settings import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI

#: Generous: a test that waits so long has failed.
LIMIT_SECONDS = 30


def settings_with(**given: Any) -> Settings:
    """The settings of a unit in a test."""
    return read_settings(
        **{
            "framework": "cpu",
            "safety_checker": False,
            "model": "tiny",
            "unit": "tiny-cpu",
            "max_steps": 50,
            **given,
        }
    )


def wait_until(what: Callable[[], bool]) -> None:
    """Raises TimeoutError when it does not come to be."""
    end = time.monotonic() + LIMIT_SECONDS
    while not what():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.005)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Its URL, e.g. http://127.0.0.1:41234."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(LIMIT_SECONDS)
