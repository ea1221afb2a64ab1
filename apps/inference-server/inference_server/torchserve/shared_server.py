"""The one server of a container, which all workers of TorchServe share; of the standard library.

It holds a lock on a file for as long as it lives: the kernel gives that back however it ends. The
file has its port.
"""

from __future__ import annotations

import fcntl
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

STATE_NAME = "server"
PACKAGES_NAME = "packages"

#: In the model's folder. Source: the toolkit's sagemaker_inference/environment.py.
CODE_NAME = "code"

POLL_SECONDS = 0.2

TORCHSERVE_NAME = "torchserve"


def run_folder() -> Path:
    """Of this container."""
    folder = Path(tempfile.gettempdir()) / "inference-server"
    folder.mkdir(exist_ok=True)
    return folder


def _locked(file: IO[bytes], kind: int) -> bool:
    """Whether this process has got the lock, which it has until the file is closed."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def note_torchserve(run: Path) -> None:
    """That this process is a worker of it: the server ends with TorchServe."""
    (run / TORCHSERVE_NAME).write_text(str(os.getppid()))


def torchserve(run: Path) -> int | None:
    """Its process, as soon as it has workers."""
    try:
        return int((run / TORCHSERVE_NAME).read_text())
    except (OSError, ValueError):
        return None


def begin(model: Path, run: Path) -> None:
    """Starts the server unless it lives."""
    with (run / STATE_NAME).open("ab") as state:
        if not _locked(state, fcntl.LOCK_EX):
            return
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        state.truncate(0)
        state.write(str(port).encode())
        state.flush()
        _start(model, run, port, state.fileno())


def _start(model: Path, run: Path, port: int, lock: int) -> None:
    """Apart from this process, which ends before it: pip's, or a worker of TorchServe."""
    code = model / CODE_NAME
    environment = {
        "CACHE_PATH": str(run / "cache"),
        **os.environ,
        "MODEL_PATH": str(model),
        "PORT": str(port),
        "PYTHONPATH": os.pathsep.join((str(run / PACKAGES_NAME), str(code))),
    }
    with _output_of(os.getppid()) as output:
        subprocess.Popen(  # noqa: S603 - this interpreter, and our own module.
            [sys.executable, "-m", "inference_server.torchserve.serve", str(code), str(run)],
            env=environment,
            cwd=run,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(lock,),
            start_new_session=True,
        )


def _output_of(process: int) -> IO[bytes]:
    """The container's log, which whoever has started this process writes to.

    What this process writes is read for as long as it lives: the server would block, or break.
    """
    try:
        return Path(f"/proc/{process}/fd/1").open("ab", buffering=0)
    except OSError:
        return Path(os.devnull).open("wb")


def until_ready(run: Path) -> int:
    """Its port. Waits for as long as it lives; raises RuntimeError when it does not."""
    while True:
        with (run / STATE_NAME).open("rb") as state:
            port = state.read().decode()
            if _locked(state, fcntl.LOCK_SH):
                raise RuntimeError("not ready: the server has ended; the container's log says why")
        if port and _is_ready(int(port)):
            return int(port)
        time.sleep(POLL_SECONDS)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readiness")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def until_ended(run: Path) -> None:
    with (run / STATE_NAME).open("rb") as state:
        fcntl.flock(state, fcntl.LOCK_SH)
