"""A model comes from the hub with the files that its pipeline reads, and no others."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from hub_server import COMMIT, REPOSITORY, REVISION, TOKEN, Hub, running
from tiny_models import save_tiny_sd

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

#: In a process of its own: the hub's client reads its endpoint once, when it is imported.
DOWNLOAD = """
import sys
from pathlib import Path
from inference_server.errors import UserError
from inference_server.loading.model_files import download, find_model
try:
    folder = download(sys.argv[1], Path(sys.argv[2]), safety_checker=False, variants=())
    find_model(folder, safety_checker=False, variants=())
    print(folder)
except UserError as error:
    print("refused:", error)
except Exception as error:
    print("failed:", type(error).__name__, error)
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = save_tiny_sd(tmp_path_factory.mktemp("hub") / "model")
    for name in (
        "README.md",
        "unet/diffusion_pytorch_model.bin",
        "whole.ckpt",
        "whole.safetensors",
    ):
        (folder / name).write_bytes(b"not to be fetched")
    return folder


def downloaded(hub: Hub, model_id: str, cache: Path, **environment: str) -> str:
    """What it printed: the folder, or why it was refused."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DOWNLOAD, model_id, str(cache)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(cache / "home"),
            "HF_HUB_DISABLE_XET": "1",
            **environment,
        },
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout.strip()


def test_only_what_the_pipeline_reads_is_fetched(repository: Path, tmp_path: Path) -> None:
    with running(Hub(repository)) as hub:
        folder = downloaded(hub, f"{REPOSITORY}@{REVISION}", tmp_path)
    assert folder.endswith(COMMIT)
    assert "model_index.json" in hub.downloaded
    assert "unet/diffusion_pytorch_model.safetensors" in hub.downloaded
    unwanted = [name for name in hub.downloaded if name.endswith((".md", ".bin", ".ckpt"))]
    assert unwanted == []
    assert "whole.safetensors" not in hub.downloaded


def test_what_is_there_is_not_fetched_again(repository: Path, tmp_path: Path) -> None:
    with running(Hub(repository)) as hub:
        first = downloaded(hub, REPOSITORY, tmp_path)
        hub.downloaded.clear()
        assert downloaded(hub, REPOSITORY, tmp_path) == first
        assert hub.downloaded == set()


@pytest.mark.parametrize(
    ("model_id", "reason"),
    [
        ("nobody/nothing", "there is no such model"),
        (f"{REPOSITORY}@v2", "there is no such revision"),
    ],
)
def test_what_is_not_there_is_said(
    repository: Path, tmp_path: Path, model_id: str, reason: str
) -> None:
    with running(Hub(repository)) as hub:
        answer = downloaded(hub, model_id, tmp_path)
    assert answer.startswith(f"refused: MODEL_ID: {model_id}: {reason}")


def test_a_gated_model_wants_a_token(repository: Path, tmp_path: Path) -> None:
    with running(Hub(repository, gated=True)) as hub:
        refused = downloaded(hub, REPOSITORY, tmp_path / "refused")
        assert "accept it, and give the token as HF_TOKEN" in refused
        folder = downloaded(hub, REPOSITORY, tmp_path / "given", HF_TOKEN=TOKEN)
    assert folder.endswith(COMMIT)


class WithoutFiles(Hub):
    """Describes the model, and cannot give its files now."""

    def _give(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        del name
        self._refuse(handler, 503, "")


def test_a_hub_that_does_not_answer_is_no_error_of_the_users(
    repository: Path, tmp_path: Path
) -> None:
    with running(WithoutFiles(repository)) as hub:
        answer = downloaded(hub, REPOSITORY, tmp_path)
    assert answer.startswith(f"failed: ConnectionError MODEL_ID: {REPOSITORY}: the hub does not")
    # It is closed now.
    assert downloaded(hub, REPOSITORY, tmp_path).startswith("failed: ConnectionError")
