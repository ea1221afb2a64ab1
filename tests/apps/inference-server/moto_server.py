"""moto's server: AWS's APIs on this machine, from the repository's own Python environment."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: With what tests/python/requirements.txt names.
INTERPRETER = Path(__file__).resolve().parents[3] / ".venv" / "bin" / "python"

#: Says its port, and ends when its standard input does.
SERVER = """
import logging, sys
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""

#: What the SDK wants to find in its environment.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-west-2",
}


@cache
def why_no_moto() -> str | None:
    """None: there is one."""
    if not INTERPRETER.exists():
        return "the repository has no .venv with moto"
    asked = [str(INTERPRETER), "-c", "import moto.server"]
    found = subprocess.run(asked, capture_output=True, timeout=60, check=False)
    return None if found.returncode == 0 else "the repository's .venv has no moto"


@contextmanager
def moto_server() -> Iterator[str]:
    """Its endpoint, e.g. http://127.0.0.1:5000."""
    command = [str(INTERPRETER), "-W", "ignore", "-c", SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()
