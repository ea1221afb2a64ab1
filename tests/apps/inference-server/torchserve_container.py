"""A PyTorch inference container of AWS, as far as one is without an image: the same `serve`.

Its entry point (aws/deep-learning-containers, torchserve-entrypoint.py) sets
SAGEMAKER_MODEL_SERVER_WORKERS and calls the toolkit's `serving.main`, which starts TorchServe.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

APP = Path(__file__).parents[3] / "apps/inference-server"

#: What it needs that this machine has not; "" if nothing.
MISSING = ", ".join(
    [
        name
        for name, there in (
            ("torchserve", find_spec("ts")),
            ("sagemaker-pytorch-inference", find_spec("sagemaker_pytorch_serving_container")),
            ("java", shutil.which("java")),
        )
        if not there
    ]
)

#: The toolkit writes its config to /etc, which is the test's own folder here.
SERVE = """
import sys
from sagemaker_pytorch_serving_container import serving, torchserve
torchserve.TS_CONFIG_FILE = sys.argv[1]
serving.main()
"""

LIMIT_SECONDS = 180.0

#: Each imports torch, on a machine of few cores.
WORKERS = 3


def free_ports(count: int) -> list[int]:
    """Different ones."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def put_server_into(model: Path, *, framework: Path | None = None) -> None:
    """As `fleet model pack` does, with fewer workers; `framework` is a module instead of `cpu`.

    That one comes by a wheel, the packages that are in real ones from this interpreter.
    """
    shutil.copytree(APP / "torchserve", model, dirs_exist_ok=True)
    config = model / "model-config.yaml"
    config.write_text(config.read_text().replace("Workers: 8", f"Workers: {WORKERS}"))
    package = model / "code/inference_server"
    shutil.copytree(APP / "inference_server", package, ignore=shutil.ignore_patterns("__pycache__"))
    requirements = model / "code/requirements.txt"
    requirements.write_text(requirements.read_text().replace("/opt/ml/model", str(model)))
    wheels = model / "code/wheels"
    wheels.mkdir()
    if framework is not None:
        with ZipFile(wheels / "drawing-1.0-py3-none-any.whl", "w") as wheel:
            wheel.write(framework, "drawing.py")
        (package / "frameworks/cpu.py").write_text("from drawing import *  # noqa: F403\n")


@dataclass
class Container:
    process: subprocess.Popen[bytes]
    url: str
    folder: Path

    @property
    def model(self) -> Path:
        return self.folder / "model"

    def said(self) -> str:
        return (self.folder / "log").read_text()

    def ping(self) -> int:
        """Status; 0 when nobody answers."""
        try:
            return httpx.get(f"{self.url}/ping", timeout=10).status_code
        except httpx.TransportError:
            return 0

    def until(self, ping: int) -> None:
        end = time.monotonic() + LIMIT_SECONDS
        while self.ping() != ping:
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.1)

    def invoke(self, accept: str | None = None, **fields: object) -> httpx.Response:
        headers = {} if accept is None else {"accept": accept}
        return httpx.post(
            f"{self.url}/invocations", json=fields, headers=headers, timeout=LIMIT_SECONDS
        )

    def servers(self) -> list[int]:
        """Process ids of our server."""
        return [pid for pid, line in _processes(self.folder) if "torchserve.serve" in line]


def _processes(folder: Path) -> list[tuple[int, str]]:
    """With their command lines: those whose environment names the folder."""
    return [
        (int(entry.name), _read(entry / "cmdline").replace("\0", " "))
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and str(folder) in _read(entry / "environ")
    ]


def _read(file: Path) -> str:
    """Nothing when its process has gone."""
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


@contextmanager
def torchserve_container() -> Iterator[Container]:
    """Not started: fill `model` and call `start`. Ends all that it has started."""
    # Short, as sockets' paths have to be.
    folder = Path(tempfile.mkdtemp(prefix="ts-"))
    for name in ("model", "tmp", "log-files"):
        (folder / name).mkdir()
    try:
        yield Container(subprocess.Popen(["true"]), "", folder)
    finally:
        for pid, _ in _processes(folder):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def start(container: Container, **settings: str) -> None:
    port, *others = free_ports(4)
    metrics, *grpc = others
    folder = container.folder
    container.url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("ab") as log:
        container.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", SERVE, str(folder / "sagemaker-ts.properties")],
            cwd=folder,
            env={
                "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
                "HOME": str(folder),
                "TEMP": str(folder / "tmp"),
                "TMPDIR": str(folder / "tmp"),
                "LOG_LOCATION": str(folder / "log-files"),
                "METRICS_LOCATION": str(folder / "log-files"),
                "OMP_NUM_THREADS": "1",
                "SAGEMAKER_BASE_DIR": str(folder),
                "SAGEMAKER_BIND_TO_PORT": str(port),
                "SAGEMAKER_MODEL_SERVER_WORKERS": str(os.cpu_count()),
                "TS_DISABLE_SYSTEM_METRICS": "true",
                "TS_METRICS_ADDRESS": f"http://127.0.0.1:{metrics}",
                "TS_GRPC_INFERENCE_PORT": str(grpc[0]),
                "TS_GRPC_MANAGEMENT_PORT": str(grpc[1]),
                "FRAMEWORK": "cpu",
                "SAFETY_CHECKER": "off",
                **settings,
            },
            stdout=log,
            stderr=subprocess.STDOUT,
        )
