"""A server refuses an artefact that was compiled for another, before it touches a device."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
from server_process import server_process

from inference_server.compiling.compiled_for import as_compiled
from inference_server.errors import UserError
from inference_server.job import Size
from inference_server.settings import Settings, read_settings

if TYPE_CHECKING:
    from pathlib import Path

KEY = "0123456789abcdef"
TORCH = version("torch").partition("+")[0]


def artefact(folder: Path, *, framework: str = "triton", **compiled: Any) -> Path:
    folder.mkdir(parents=True)
    values = {
        "key": KEY,
        "source": "5e7c2a1f0d9b8346",
        "accelerator": "g5",
        "sizes": ["512x512", "768x512"],
        "batch": 2,
        "edits": False,
        "compiler": TORCH,
        **compiled,
    }
    manifest = {"model": "sd21", "framework": framework, "files": {}, "compiled": values}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def settings(folder: Path, **other: Any) -> Settings:
    told: dict[str, Any] = {
        "framework": "triton",
        "accelerator": "g5",
        "model": "sd21",
        "safety_checker": False,
        "model_path": folder,
    }
    return read_settings(**{**told, **other})


def test_sizes_and_batch_that_nobody_set_are_the_artefacts(tmp_path: Path) -> None:
    folder = artefact(tmp_path / KEY)
    found = as_compiled(settings(folder))
    assert found.sizes == (Size(512, 512), Size(768, 512))
    assert found.max_batch == 2
    found = as_compiled(settings(folder, sizes=(Size(768, 512),), max_batch=1))
    assert found.sizes == (Size(768, 512),)
    assert found.max_batch == 1


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"framework": "cuda"}, "compiled for framework triton, and FRAMEWORK is cuda"),
        ({"accelerator": "g6"}, "compiled for accelerator g5, and ACCELERATOR is g6"),
        ({"model": "sdxl"}, "it is of model sd21, and MODEL is sdxl"),
    ],
)
def test_an_artefact_of_another_unit_is_refused(
    tmp_path: Path, told: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message) as refused:
        as_compiled(settings(artefact(tmp_path / KEY), **told))
    assert "Compile the model for this unit" in str(refused.value)


def test_another_compiler_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"by torch 2\.7\.1, and here is torch {TORCH}"):
        as_compiled(settings(artefact(tmp_path / KEY, compiler="2.7.1")))
    neuron = artefact(tmp_path / "neuron", framework="neuron", compiler="2.21.33363.0")
    with pytest.raises(UserError, match=r"neuronx-cc 2\.21\.33363\.0, and there is no neuronx-cc"):
        as_compiled(settings(neuron, framework="neuron"))


def test_an_artefact_in_another_ones_place_is_refused(tmp_path: Path) -> None:
    folder = artefact(tmp_path / "fedcba9876543210")
    with pytest.raises(UserError, match=f"its key is {KEY}, and its folder is fedcba9876543210"):
        as_compiled(settings(folder))
    # SageMaker's folder has a name of its own.
    as_compiled(settings(artefact(tmp_path / "model")))


def test_all_that_does_not_fit_is_said_at_once(tmp_path: Path) -> None:
    folder = artefact(tmp_path / "fedcba9876543210", compiler="2.7.1")
    with pytest.raises(UserError) as refused:
        as_compiled(settings(folder, accelerator="g6", model="sdxl"))
    for part in ("torch 2.7.1", "ACCELERATOR is g6", "MODEL is sdxl", "its key is"):
        assert part in str(refused.value)


def test_what_nobody_has_told_is_not_compared(tmp_path: Path) -> None:
    told = {"framework": "triton", "safety_checker": False}
    as_compiled(read_settings(**told, model_path=artefact(tmp_path / "model")))


def test_folders_that_were_not_compiled_and_hub_ids_are_as_before(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    asked = settings(plain)
    assert as_compiled(asked) is asked
    (plain / "manifest.json").write_text('{"model": "other", "framework": "cuda", "files": {}}')
    assert as_compiled(asked) is asked
    by_id = settings(artefact(tmp_path / KEY), model_id="owner/name", framework="cuda")
    assert as_compiled(by_id) is by_id


def test_a_server_of_another_unit_does_not_start(tmp_path: Path) -> None:
    folder = artefact(tmp_path / KEY)
    wrong: dict[str, Any] = {"FRAMEWORK": "triton", "ACCELERATOR": "g6", "MODEL": "sd21"}
    with server_process(folder, **wrong) as server:
        assert server.exit_status() == 2
        assert "compiled for accelerator g5, and ACCELERATOR is g6" in server.said()
        assert "Traceback" not in server.said()
    with server_process(folder, **{**wrong, "ACCELERATOR": "g5"}) as server:
        server.until_ready()


def test_what_a_hash_names_and_is_not_whole_yet_is_refused(tmp_path: Path) -> None:
    half = tmp_path / KEY
    half.mkdir()
    (half / "model_index.json").write_text("{}")
    with pytest.raises(UserError, match=r"no manifest\.json.*not there yet, or not whole"):
        as_compiled(settings(half))
    named = tmp_path / "by-hand"
    named.mkdir()
    assert as_compiled(settings(named)).sizes == ()
