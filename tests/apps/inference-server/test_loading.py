"""Loading is told of step by step."""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, get_args

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from tiny_models import Options, job, save_tiny_sd

from inference_server.errors import UserError
from inference_server.frameworks import cpu, cuda, triton
from inference_server.frameworks.diffusers_pipeline import Placement, load_pipeline
from inference_server.frameworks.framework import FrameworkName, module_of
from inference_server.loading.steps import Steps

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_sd(tmp_path_factory.mktemp("sd"))


def told() -> tuple[list[str], list[tuple[str, float]], Steps]:
    began: list[str] = []
    ended: list[tuple[str, float]] = []
    steps = Steps(began.append, lambda step, seconds: ended.append((step, seconds)))
    return began, ended, steps


def test_each_step_is_told_of_in_order(model: Path, tmp_path: Path) -> None:
    began, ended, steps = told()
    cpu.load(model, Options(tmp_path), steps)
    assert began == ["find", "read", "place", "warm-up"]
    assert [step for step, _ in ended] == began
    assert all(seconds > 0 for _, seconds in ended)


def test_compiling_is_a_step_between_placing_and_warming_up(model: Path, tmp_path: Path) -> None:
    began, _, steps = told()
    placed: list[torch.nn.Module] = []
    placement = Placement("cpu", torch.float32, compile_model=placed.append)
    load_pipeline(model, Options(tmp_path, max_batch=1), steps, placement)
    assert began == ["find", "read", "place", "compile", "warm-up"]
    assert len(placed) == 1


def test_files_are_compared_with_their_hashes_where_that_is_asked_for(tmp_path: Path) -> None:
    model = save_tiny_sd(tmp_path / "model")
    file = "unet/diffusion_pytorch_model.safetensors"
    size = (model / file).stat().st_size
    manifest = {"model": "tiny", "files": {file: {"sha256": "0" * 64, "bytes": size}}}
    (model / "manifest.json").write_text(json.dumps(manifest))
    cpu.load(model, Options(tmp_path, max_batch=1), Steps())
    with pytest.raises(UserError, match=f"{file}: its sha256 is not 0000"):
        cpu.load(model, Options(tmp_path, verify_files=True), Steps())


def test_a_hub_id_wins_over_the_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="MODEL_ID: 'no hub id': owner/name"):
        cpu.load(tmp_path / "nothing", Options(tmp_path, model_id="no hub id"), Steps())


def test_a_damaged_file_ends_loading_before_anything_is_read(tmp_path: Path) -> None:
    model = save_tiny_sd(tmp_path / "model")
    file = model / "unet/diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    began, ended, steps = told()
    with pytest.raises(UserError, match=r"unet/diffusion_pytorch_model\.safetensors"):
        cpu.load(model, Options(tmp_path), steps)
    assert began == ["find"]
    assert ended == []


def test_a_batch_that_is_larger_than_said_is_a_bug(model: Path, tmp_path: Path) -> None:
    pipeline = cpu.load(model, Options(tmp_path, max_batch=2), Steps())
    assert pipeline.facts.max_batch == 2
    with pytest.raises(ValueError, match="at most 2"):
        pipeline.generate([job()] * 3)
    with pytest.raises(ValueError, match="2 shapes"):
        pipeline.generate([job(), job(steps=3)])


@pytest.mark.parametrize("name", get_args(FrameworkName))
def test_every_framework_has_the_interface(name: FrameworkName) -> None:
    module = import_module(module_of(name))
    assert callable(module.load)
    utilisation = module.utilisation()
    assert utilisation is None or 0 <= utilisation <= 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("module", [cuda, triton])
def test_without_a_gpu_it_says_so(module: object, model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="sees no NVIDIA GPU"):
        module.load(model, Options(tmp_path), Steps())  # type: ignore[attr-defined]
