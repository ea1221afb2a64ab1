"""The server as its container runs it, in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: As `__main__` does, with a framework that needs no torch.
DRAWING = """
import sys
from inference_server.errors import UserError
from inference_server.serve import serve
from inference_server.settings import read_settings
try:
    sys.exit(serve(read_settings(), framework="drawing_framework"))
except UserError as error:
    sys.stderr.write(f"{error}\\n")
    sys.exit(2)
"""

LIMIT_SECONDS = 120.0


@dataclass
class ServerProcess:
    process: subprocess.Popen[bytes]
    url: str
    log: Path
    asked: list[str] = field(default_factory=list)

    def said(self) -> str:
        return self.log.read_text()

    def until_ready(self) -> None:
        end = time.monotonic() + LIMIT_SECONDS
        while True:
            try:
                if httpx.get(f"{self.url}/readiness", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.05)

    def until_in_flight(self, requests: int) -> None:
        end = time.monotonic() + LIMIT_SECONDS
        wanted = f"inference_in_flight_requests {requests:.1f}"
        while wanted not in httpx.get(f"{self.url}/metrics", timeout=5).text:
            assert time.monotonic() < end, self.said()
            time.sleep(0.02)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def exit_status(self) -> int:
        return self.process.wait(LIMIT_SECONDS)

    def resident_mib(self) -> float:
        """Linux only."""
        pages = int(open(f"/proc/{self.process.pid}/statm").read().split()[1])  # noqa: SIM115, PTH123
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def server_process(folder: Path, *, real: bool = False, **settings: str) -> Iterator[ServerProcess]:
    """Of the drawing framework, or of the settings' own (`real`). `folder` is the model's."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["-m", "inference_server", "serve"] if real else ["-c", DRAWING]
    log = folder.parent / f"{folder.name}.{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", *command],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder.parent),
                "OMP_NUM_THREADS": "1",
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                "FRAMEWORK": "cpu",
                "SAFETY_CHECKER": "off",
                "MODEL_PATH": str(folder),
                "CACHE_PATH": str(folder.parent / "cache"),
                "PORT": str(port),
                **settings,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield ServerProcess(process, f"http://127.0.0.1:{port}", log)
    finally:
        process.kill()
        process.wait()
