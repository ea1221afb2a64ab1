"""Kernels of torch.compile: made once, and taken from the artefact by another process.

The real path, with Inductor's C++ in Triton's place, since there is no GPU.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from compile_process import (
    LIMIT_SECONDS,
    SOURCE,
    CompileProcess,
    arguments,
    inputs,
    write_import_manifest,
)
from diffusers import UNet2DConditionModel
from tiny_models import SIZE, save_tiny_sd

from inference_server.compiling.artefact_key import artefact_key
from inference_server.errors import UserError
from inference_server.frameworks import triton
from inference_server.loading.verified_bytes import verified_bytes

if TYPE_CHECKING:
    from pathlib import Path

#: Where in a process's cache Inductor and AOTAutograd keep what an artefact has.
GRAPHS = ("fxgraph", "aotautograd")

#: Compiling for wide vectors, and trying out kernels, takes minutes and shows nothing more.
QUICKLY = {"ATEN_CPU_CAPABILITY": "default", "OMP_NUM_THREADS": "1"}

SERVED = """
import json, sys
from pathlib import Path
import torch
from torch._dynamo.utils import counters
from inference_server.frameworks import triton
from inference_server.loading.steps import Steps
from tiny_models import SIZE, Options, job
triton.MODE = "default"
options = Options(Path(sys.argv[2]), sizes=(SIZE,), max_batch=1)
pipeline = triton.load_on("cpu", torch.float32, Path(sys.argv[1]), options, Steps())
((picture, _),) = pipeline.generate([job()])
found = {name: dict(counters[name]) for name in ("inductor", "aot_autograd")}
print(json.dumps({"counters": found, "bytes": len(picture.rgb)}))
"""

ON_CPU = """
import shutil, sys, torch
from inference_server.compiling.triton_kernels import compile_on
from inference_server.frameworks import triton
triton.MODE = "default"
def compile_model(task, steps):
    compile_on("cpu", torch.float32, task, steps)
    shutil.copytree(task.work / "cache" / "inductor", {kept!r})
"""


def save_small_model(folder: Path) -> Path:
    """With a UNet of few kernels: a C++ compiler takes seconds for each."""
    save_tiny_sd(folder)
    UNet2DConditionModel(
        block_out_channels=(4,),
        layers_per_block=1,
        sample_size=32,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",),
        mid_block_type=None,
        cross_attention_dim=32,
        norm_num_groups=2,
    ).save_pretrained(folder / "unet")
    return folder


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
def test_another_process_compiles_nothing_that_the_artefact_has(tmp_path: Path) -> None:
    source = save_small_model(tmp_path / SOURCE)
    write_import_manifest(source)
    kept = tmp_path / "kept"
    (tmp_path / "on_cpu.py").write_text(ON_CPU.format(kept=str(kept)))
    path = os.pathsep.join([str(tmp_path), *(each for each in sys.path if each)])
    environment = {"PYTHONPATH": path, **QUICKLY}
    command = CompileProcess(tmp_path / "work", environment)
    status, said = command.run(arguments(inputs(), source, f"{tmp_path}/store"), "on_cpu")
    assert status == 0, said
    artefact = tmp_path / "store" / artefact_key(inputs())
    manifest = json.loads((artefact / "manifest.json").read_text())
    assert manifest["files"][triton.KERNELS_NAME]["bytes"] > 0

    # What g++ made is not in the artefact, as Triton's binaries are: of the cache that compiling
    # has left, this process gets it, and no graph.
    cache = tmp_path / "cache" / "inductor"
    shutil.copytree(kept, cache, ignore=lambda _, names: [n for n in names if n in GRAPHS])
    assert {each.name for each in kept.iterdir()} >= set(GRAPHS)
    assert not [name for name in GRAPHS if (cache / name).exists()]
    served = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SERVED, artefact, cache.parent],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert served.returncode == 0, served.stderr
    answer: dict[str, Any] = json.loads(served.stdout.splitlines()[-1])
    inductor, aot = answer["counters"]["inductor"], answer["counters"]["aot_autograd"]
    # With guidance, and without.
    assert aot.get("autograd_cache_hit") == inductor.get("fxgraph_cache_hit") == 2, answer
    assert not aot.get("autograd_cache_miss"), answer
    assert not inductor.get("fxgraph_cache_miss"), answer
    assert answer["bytes"] == SIZE.width * SIZE.height * 3


def artefact_with(folder: Path, kernels: bytes, *, compiled: bool = True) -> Path:
    """Whose manifest says that the kernels are b"right"."""
    folder.mkdir()
    (folder / "model_index.json").write_text("{}")
    (folder / triton.KERNELS_NAME).write_bytes(b"right")
    write_import_manifest(folder)
    (folder / triton.KERNELS_NAME).write_bytes(kernels)
    manifest = json.loads((folder / "manifest.json").read_text())
    if compiled:
        manifest["compiled"] = {
            "key": artefact_key(inputs()),
            "source": SOURCE,
            "accelerator": "g5",
            "sizes": ["64x64"],
            "batch": 1,
            "edits": False,
            "compiler": torch.__version__,
        }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_kernels_that_are_not_the_manifests_are_not_read(tmp_path: Path) -> None:
    name = triton.KERNELS_NAME
    assert verified_bytes(artefact_with(tmp_path / "right", b"right"), name) == b"right"
    with pytest.raises(UserError, match=rf"{name}: its sha256 is not .*; it is not read"):
        verified_bytes(artefact_with(tmp_path / "wrong", b"wrong"), name)
    missing = artefact_with(tmp_path / "missing", b"right")
    (missing / name).unlink()
    with pytest.raises(UserError, match=f"{name}: is missing"):
        verified_bytes(missing, name)


def test_kernels_that_no_artefact_vouches_for_are_not_read(tmp_path: Path) -> None:
    plain = artefact_with(tmp_path / "plain", b"right", compiled=False)
    assert verified_bytes(plain, triton.KERNELS_NAME) is None
    (plain / "manifest.json").unlink()
    assert verified_bytes(plain, triton.KERNELS_NAME) is None


def test_kernels_that_torch_cannot_read_are_made_anew(caplog: pytest.LogCaptureFixture) -> None:
    triton.take_kernels(b"of another torch")
    assert "cannot be read, and are made anew" in caplog.text
