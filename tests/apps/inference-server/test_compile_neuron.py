"""What surrounds optimum-neuron's export, and that its calls fit the real library.

The export itself wants Neuron's SDK: a stand-in writes what optimum-neuron writes, but for graphs.
"""

from __future__ import annotations

import ast
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from compile_process import SOURCE, inputs, write_import_manifest
from test_signatures import keywords, optimum_source, parameters
from tiny_models import SIZE, save_tiny_sd, save_tiny_sdxl

from inference_server.compiling import neuron_graphs
from inference_server.compiling.compiler import CompileTask
from inference_server.compiling.model_source import find_source
from inference_server.errors import UserError
from inference_server.frameworks.neuron_artefact import find_artefacts
from inference_server.job import Size
from inference_server.loading.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Latents of the tiny models are half of the image.
SCALE = 2


class Exporter:
    """Writes what optimum-neuron does, with a text in place of each graph."""

    def __init__(self, *, batch: int | None = None) -> None:
        self.asked: list[tuple[str, dict[str, int]]] = []
        self._batch = batch

    def __call__(self, pipe: Any, near: Path, folder: Path, target: str, **shape: int) -> None:
        self.asked.append((target, shape))
        assert str(pipe.unet.dtype) == "torch.float32"
        assert getattr(pipe, "safety_checker", None) is None
        pipe.save_config(folder)
        for name in ("scheduler", "tokenizer", "tokenizer_2"):
            if hasattr(pipe, name):
                getattr(pipe, name).save_pretrained(folder / name)
        parts = {"unet": "unet", "text_encoder": "text_encoder"}
        parts |= {"vae_encoder": "vae", "vae_decoder": "vae"}
        if hasattr(pipe, "text_encoder_2"):
            parts["text_encoder_2"] = "text_encoder_2"
        for part, read in parts.items():
            (folder / part).mkdir()
            (folder / part / "model.neuron").write_text(f"{part} {shape}")
            config = json.loads((near / read / "config.json").read_text())
            config["neuron"] = {
                "compiler_version": "2.21.33363.0+82129205",
                "instance_type": target,
                "static_batch_size": self._batch or shape["batch_size"],
                "static_height": shape["height"] // SCALE,
                "static_width": shape["width"] // SCALE,
            }
            (folder / part / "config.json").write_text(json.dumps(config))


def compiled(
    tmp_path: Path,
    export: Exporter,
    save: Callable[..., Path] = save_tiny_sd,
    *,
    variant: str | None = None,
    safety_checker: bool = False,
    **asked: Any,
) -> Path:
    """Folder of the artefact."""
    source = tmp_path / SOURCE
    save(source, **({"safety_checker": True} if safety_checker else {}))
    if variant is not None:
        for file in source.rglob("*.safetensors"):
            file.rename(file.with_name(f"{file.stem}.{variant}.safetensors"))
    write_import_manifest(source)
    folder, work = tmp_path / "artefact", tmp_path / "work"
    folder.mkdir()
    work.mkdir()
    wanted = inputs(framework="neuron", accelerator="inf2", **asked)
    task = CompileTask(find_source(source, "tiny"), wanted, folder, work)
    neuron_graphs.compile_by(export, "trn1", task, Steps())
    return folder


@pytest.mark.parametrize("save", [save_tiny_sd, save_tiny_sdxl])
def test_of_one_size_the_artefact_is_the_folder_itself(
    save: Callable[..., Path], tmp_path: Path
) -> None:
    export = Exporter()
    folder = compiled(tmp_path, export, save, batch=4, edits=True)
    (found,) = find_artefacts(folder, safety_checker=False)
    assert (found.size, found.batch, found.edits) == (SIZE, 4, True)
    assert export.asked == [("trn1", {"batch_size": 4, "height": 64, "width": 64})]


def test_of_several_sizes_it_has_a_folder_for_each(tmp_path: Path) -> None:
    sizes = (SIZE, Size(128, 64))
    folder = compiled(tmp_path, Exporter(), sizes=sizes, safety_checker=True)
    assert sorted(each.name for each in folder.iterdir()) == ["128x64", "64x64"]
    found = find_artefacts(folder, safety_checker=True)
    assert tuple(each.size for each in found) == sizes


def test_without_edits_there_is_no_encoder(tmp_path: Path) -> None:
    folder = compiled(tmp_path, Exporter())
    assert not (folder / "vae_encoder").exists()
    (found,) = find_artefacts(folder, safety_checker=False)
    assert not found.edits


@pytest.mark.parametrize("variant", [None, "fp16"])
def test_the_safety_checker_comes_along_under_its_plain_name(
    variant: str | None, tmp_path: Path
) -> None:
    folder = compiled(tmp_path, Exporter(), variant=variant, safety_checker=True)
    find_artefacts(folder, safety_checker=True)
    assert (folder / "safety_checker" / "model.safetensors").is_file()
    assert (folder / "feature_extractor" / "preprocessor_config.json").is_file()


def test_graphs_that_are_not_what_was_asked_for_are_not_stored(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="was made instead of"):
        compiled(tmp_path, Exporter(batch=2), batch=4)


def test_a_scheduler_that_no_server_takes_is_refused_before_hours_of_compiling(
    tmp_path: Path,
) -> None:
    def save(folder: Path) -> Path:
        save_tiny_sd(folder)
        index = json.loads((folder / "model_index.json").read_text())
        index["scheduler"] = ["diffusers", "NoSuchScheduler"]
        (folder / "model_index.json").write_text(json.dumps(index))
        return folder

    export = Exporter()
    with pytest.raises(UserError, match="diffusers has no NoSuchScheduler"):
        compiled(tmp_path, export, save)
    assert export.asked == []


def test_parts_that_are_missing_are_said_before_anything_is_stored(tmp_path: Path) -> None:
    class Forgetful(Exporter):
        def __call__(self, pipe: Any, near: Path, folder: Path, target: str, **shape: int) -> None:
            super().__call__(pipe, near, folder, target, **shape)
            shutil.rmtree(folder / "unet")

    with pytest.raises(UserError, match=r"unet/model\.neuron"):
        compiled(tmp_path, Forgetful())


def defaults(tree: ast.Module, function: str) -> dict[str, Any]:
    """Of a function's arguments, those that are constants."""
    found = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    given = found.args.args[-len(found.args.defaults) :]
    return {
        each.arg: value.value
        for each, value in zip(given, found.args.defaults, strict=True)
        if isinstance(value, ast.Constant)
    }


def test_the_export_is_called_with_arguments_that_it_knows() -> None:
    tree = optimum_source("optimum.exporters.neuron.__main__")
    asked = keywords(neuron_graphs.export_graphs, "main_export")
    assert {"model", "compiler_kwargs", "disable_neuron_cache"} <= asked
    assert asked <= parameters(tree, "main_export")
    assert {"output", "model_name_or_path"} <= asked
    shapes = parameters(
        optimum_source("optimum.exporters.neuron.utils"),
        "build_stable_diffusion_components_mandatory_shapes",
    )
    assert {"batch_size", "height", "width"} <= shapes
    lazily = ast.unparse(optimum_source("optimum.exporters.neuron"))
    for name in ("main_export", "normalize_diffusers_input_shapes"):
        assert f"'{name}'" in lazily


def test_the_compilers_options_are_those_of_the_library_itself() -> None:
    pipeline = defaults(optimum_source("optimum.neuron.modeling_diffusion"), "_export")
    assert {name: pipeline[name] for name in neuron_graphs.CASTS} == neuron_graphs.CASTS
    assert pipeline["optlevel"] == neuron_graphs.OPTLEVEL
    assert pipeline["inline_weights_to_neff"] is True
    known = parameters(optimum_source("optimum.exporters.neuron.convert"), "export")
    assert {*neuron_graphs.CASTS, "instance_type"} <= known


def test_devices_have_the_librarys_names(monkeypatch: pytest.MonkeyPatch) -> None:
    optimum_source("optimum.neuron.utils.instance")
    monkeypatch.setenv("NEURON_PLATFORM_TARGET_OVERRIDE", "trn1")
    assert neuron_graphs.compilation_target("inf2") == "trn1"
    assert neuron_graphs.compilation_target("trn1") == "trn1"
    with pytest.raises(UserError, match="--accelerator: trn2: this machine compiles for trn1"):
        neuron_graphs.compilation_target("trn2")
    with pytest.raises(UserError, match=r"inf1 is not a valid instance type.*trn2"):
        neuron_graphs.compilation_target("inf1")
