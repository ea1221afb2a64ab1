"""The server's process: unpacks what it imports, serves, and ends with TorchServe."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
from pathlib import Path

from inference_server.torchserve.shared_server import PACKAGES_NAME, torchserve
from inference_server.torchserve.wheels import unpack

WATCH_SECONDS = 1.0


def _lives(process: int) -> bool:
    """One that has ended and that nobody has asked about has no command line any more (proc(5))."""
    try:
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())
    except OSError:
        return False


def _end_with_torchserve(run: Path) -> None:
    """Which starts after the server; one that was never seen alive is of before."""
    seen = None
    while seen is None or _lives(seen):
        process = torchserve(run)
        seen = process if process is not None and _lives(process) else seen
        time.sleep(WATCH_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def main(code: Path, run: Path) -> int:
    threading.Thread(target=_end_with_torchserve, args=(run,), daemon=True).start()
    unpack(code / "wheels", run / PACKAGES_NAME)
    # It was not there when this interpreter first looked.
    importlib.invalidate_caches()
    from inference_server.__main__ import main as command  # noqa: PLC0415

    return command(["serve"])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
