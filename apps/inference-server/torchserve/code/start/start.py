"""A build backend (PEP 517) that starts the server. What it builds is empty."""

import sys
from pathlib import Path
from zipfile import ZipFile

CODE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CODE))

from inference_server.torchserve.shared_server import begin, run_folder, until_ready  # noqa: E402

NAME = "inference_server_start-1"


def build_wheel(
    wheel_directory: str, config_settings: object = None, metadata_directory: object = None
) -> str:
    """Raises RuntimeError when the server ends before it is ready, and the container with it."""
    del config_settings, metadata_directory
    begin(CODE.parent, run_folder())
    until_ready(run_folder())
    wheel = f"{NAME}-py3-none-any.whl"
    files = {
        "METADATA": "Metadata-Version: 2.1\nName: inference-server-start\nVersion: 1\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{NAME}.dist-info/{each},,\n" for each in [*files, "RECORD"])
    with ZipFile(Path(wheel_directory) / wheel, "w") as archive:
        for name, text in {**files, "RECORD": record}.items():
            archive.writestr(f"{NAME}.dist-info/{name}", text)
    return wheel
