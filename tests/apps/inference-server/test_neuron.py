"""What the neuron framework does before and around the graphs; those need a device."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from diffusers import AutoPipelineForImage2Image, DiffusionPipeline
from tiny_models import SIZE, Options, difference, job, save_tiny_sd, save_tiny_sdxl

from inference_server.errors import JobRefusedError, UserError
from inference_server.frameworks.neuron import NeuronPipeline, SizedPipelines, load
from inference_server.frameworks.neuron_artefact import (
    asked_of,
    check_device,
    find_artefact,
    find_artefacts,
)
from inference_server.job import ModelFacts, Size
from inference_server.loading.steps import Steps

if TYPE_CHECKING:
    from pathlib import Path

BATCH = 4
PARTS = {"unet": "unet", "text_encoder": "text_encoder", "vae_encoder": "vae", "vae_decoder": "vae"}


@pytest.fixture
def artefact(tmp_path: Path) -> Path:
    """As optimum-neuron writes one, but for the graphs."""
    model = save_tiny_sd(tmp_path / "model")
    folder = tmp_path / "artefact"
    for name in ("tokenizer", "scheduler"):
        shutil.copytree(model / name, folder / name)
    shutil.copy(model / "model_index.json", folder)
    for part, source in PARTS.items():
        (folder / part).mkdir()
        (folder / part / "model.neuron").write_bytes(b"graph")
        config = json.loads((model / source / "config.json").read_text())
        config["neuron"] = {
            "compiler_type": "neuronx-cc",
            "compiler_version": "2.21.0",
            "instance_type": "trn1",
            "static_batch_size": BATCH,
            "static_height": 32,
            "static_width": 32,
        }
        (folder / part / "config.json").write_text(json.dumps(config))
    return folder


def change(folder: Path, part: str, **values: object) -> None:
    file = folder / part / "config.json"
    config = json.loads(file.read_text())
    config["neuron"].update(values)
    file.write_text(json.dumps(config))


def refusal(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        find_artefact(folder, safety_checker=False)
    return str(caught.value)


def test_an_artefact_says_what_it_was_compiled_for(artefact: Path) -> None:
    found = find_artefact(artefact, safety_checker=False)
    assert (found.size, found.batch, found.edits, found.sdxl) == (SIZE, BATCH, True, False)
    assert (found.compiler_version, found.instance_type) == ("2.21.0", "trn1")
    shutil.rmtree(artefact / "vae_encoder")
    assert not find_artefact(artefact, safety_checker=False).edits


def test_only_files_that_are_read_belong_to_it(artefact: Path) -> None:
    for stray in (
        "README.md",
        "unet/model.neuron.old",
        "unet/hlo/graph.pb",
        "image_encoder/a.json",
    ):
        (artefact / stray).parent.mkdir(exist_ok=True)
        (artefact / stray).write_bytes(b"stray")
    (artefact / "manifest.json").write_text('{"model": "tiny", "files": {}}')
    files = find_artefact(artefact, safety_checker=False).files
    assert files[:2] == ("model_index.json", "manifest.json")
    assert {file for file in files if not file.endswith((".json", ".txt"))} == {
        f"{part}/model.neuron" for part in PARTS
    }
    assert {file.split("/")[0] for file in files[2:]} == {*PARTS, "scheduler", "tokenizer"}
    shutil.rmtree(artefact / "vae_encoder")
    (artefact / "vae_encoder").mkdir()
    (artefact / "vae_encoder/config.json").write_text("{}")
    files = find_artefact(artefact, safety_checker=False).files
    assert not [file for file in files if file.startswith("vae_encoder/")]


def test_a_feature_extractor_that_the_index_names_is_wanted(artefact: Path) -> None:
    index = json.loads((artefact / "model_index.json").read_text())
    index["feature_extractor"] = ["transformers", "CLIPImageProcessor"]
    (artefact / "model_index.json").write_text(json.dumps(index))
    assert "feature_extractor/preprocessor_config.json" in refusal(artefact)
    (artefact / "feature_extractor").mkdir()
    (artefact / "feature_extractor/preprocessor_config.json").write_text("{}")
    files = find_artefact(artefact, safety_checker=False).files
    assert "feature_extractor/preprocessor_config.json" in files


def test_all_missing_files_are_named(artefact: Path) -> None:
    (artefact / "unet/model.neuron").unlink()
    (artefact / "tokenizer/vocab.json").unlink()
    message = refusal(artefact)
    assert "unet/model.neuron" in message
    assert "tokenizer/vocab.json" in message


def test_a_model_that_was_not_compiled_is_told_so(tmp_path: Path) -> None:
    assert "unet/model.neuron" in refusal(save_tiny_sd(tmp_path))


def test_parts_of_different_batches_or_compilers_are_refused(artefact: Path) -> None:
    change(artefact, "text_encoder", static_batch_size=1)
    assert "static_batch_size differs" in refusal(artefact)
    change(artefact, "text_encoder", static_batch_size=BATCH, compiler_version="2.20.0")
    assert "compiler_version differs" in refusal(artefact)


def test_another_device_or_sdk_is_refused_in_words(artefact: Path) -> None:
    found = find_artefact(artefact, safety_checker=False)
    check_device(found, "2.21.0", "trn1")
    with pytest.raises(UserError, match=r"neuronx-cc 2\.21\.0, here is 2\.22\.1"):
        check_device(found, "2.22.1", "trn1")
    with pytest.raises(UserError, match="for trn1, this is trn2"):
        check_device(found, "2.21.0", "trn2")


def test_sizes_and_batches_that_were_not_compiled_are_refused(artefact: Path) -> None:
    found = find_artefacts(artefact, safety_checker=False)
    assert asked_of(found, (SIZE,), BATCH) == found
    assert asked_of(found, (), None) == found
    with pytest.raises(UserError, match=r"SIZES: 512x512: .*64x64 only"):
        asked_of(found, (Size(512, 512),), None)
    with pytest.raises(UserError, match=r"MAX_BATCH: 5: .*batches of 4"):
        asked_of(found, (), BATCH + 1)


def of_two_sizes(artefact: Path, folder: Path) -> Path:
    """Graphs for 64x64 and for 128x64, a folder each."""
    shutil.copytree(artefact, folder / "64x64")
    shutil.copytree(artefact, folder / "128x64")
    change(folder / "128x64", "unet", static_width=64)
    return folder


def test_an_artefact_of_several_sizes_has_a_folder_for_each(artefact: Path, tmp_path: Path) -> None:
    folder = of_two_sizes(artefact, tmp_path / "both")
    found = find_artefacts(folder, safety_checker=False)
    assert [str(each.size) for each in found] == ["64x64", "128x64"]
    wide, narrow = Size(128, 64), SIZE
    assert [each.size for each in asked_of(found, (wide, narrow), None)] == [wide, narrow]
    assert [each.folder.name for each in asked_of(found, (wide,), None)] == ["128x64"]
    with pytest.raises(UserError, match=r"SIZES: 64x128: .*64x64, 128x64 only"):
        asked_of(found, (Size(64, 128),), None)


def test_folders_of_sizes_that_do_not_belong_together_are_refused(
    artefact: Path, tmp_path: Path
) -> None:
    folder = of_two_sizes(artefact, tmp_path / "both")
    change(folder / "128x64", "unet", static_width=32)
    with pytest.raises(UserError, match="128x64: was compiled for 64x64"):
        find_artefacts(folder, safety_checker=False)
    change(folder / "128x64", "unet", static_width=64)
    shutil.rmtree(folder / "128x64" / "vae_encoder")
    with pytest.raises(UserError, match="differ in more than size"):
        find_artefacts(folder, safety_checker=False)


def test_classes_that_nobody_has_allowed_are_not_imported(artefact: Path) -> None:
    index = json.loads((artefact / "model_index.json").read_text())
    index["tokenizer"] = ["os", "system"]
    (artefact / "model_index.json").write_text(json.dumps(index))
    assert "tokenizer: os.system is wrong" in refusal(artefact)


def test_adapters_are_refused_by_name(artefact: Path, tmp_path: Path) -> None:
    (tmp_path / "pixel.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match=r"LORA_PATH: pixel\.safetensors"):
        load(artefact, Options(tmp_path, lora_folder=tmp_path), Steps())
    with pytest.raises(UserError, match="MODEL_ID: owner/name: Neuron wants graphs"):
        load(artefact, Options(tmp_path, model_id="owner/name"), Steps())


def on_fixed_batches(model: Path) -> NeuronPipeline:
    """diffusers' own pipeline, with parts that take whole batches only, as graphs do."""
    pipe: Any = DiffusionPipeline.from_pretrained(model)

    def only(batch: int) -> Any:
        def check(_: object, arguments: tuple[Any, ...]) -> None:
            assert arguments[0].shape[0] == batch

        return check

    pipe.unet.register_forward_pre_hook(only(2 * BATCH))
    pipe.text_encoder.register_forward_pre_hook(only(BATCH))
    pipe.vae.encoder.register_forward_pre_hook(only(BATCH))
    pipe.vae.decoder.register_forward_pre_hook(only(BATCH))
    pipe.vae_encoder = pipe.vae.encode
    # As optimum-neuron has it on every pipeline (NeuronDiffusionPipelineBase).
    pipe.tokenizer_2 = getattr(pipe, "tokenizer_2", None)
    edit_pipe = AutoPipelineForImage2Image.from_pipe(pipe)
    facts = ModelFacts((SIZE,), BATCH, (), edits=True, default_steps=50, default_guidance=7.5)
    return NeuronPipeline(pipe, edit_pipe, facts, BATCH)


class OfSize:
    """A pipeline that makes one size, as one on graphs does."""

    def __init__(self, pipe: Any, size: Size) -> None:
        self._pipe, self._size = pipe, size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)

    def __call__(self, **arguments: Any) -> Any:
        return self._pipe(**arguments, height=self._size.height, width=self._size.width)


@pytest.mark.parametrize("save", [save_tiny_sd, save_tiny_sdxl])
@pytest.mark.parametrize("strength", [None, 0.5])
def test_batches_are_filled_up_and_cut(save: Any, strength: float | None, tmp_path: Path) -> None:
    pipeline = on_fixed_batches(save(tmp_path))
    with torch.inference_mode():
        whole = pipeline.generate([job(seed=seed, strength=strength) for seed in range(BATCH)])
        for images in range(1, BATCH):
            part = pipeline.generate([job(seed=seed, strength=strength) for seed in range(images)])
            assert len(part) == images
            for (one, _), (other, _) in zip(part, whole, strict=False):
                assert difference(one, other) <= 2
    assert difference(whole[0][0], whole[1][0]) > 2


def test_without_guidance_it_refuses_instead_of_breaking(tmp_path: Path) -> None:
    with pytest.raises(JobRefusedError, match="guidance: 1"):
        on_fixed_batches(save_tiny_sd(tmp_path)).generate([job(guidance=1.0)])


def test_each_size_is_made_by_its_own_graphs(tmp_path: Path) -> None:
    both = []
    for name, size in (("narrow", SIZE), ("wide", Size(128, 64))):
        made = on_fixed_batches(save_tiny_sd(tmp_path / name))
        made.facts = replace(made.facts, sizes=(size,))
        # Graphs make one size, whatever they are asked for.
        call = made._text_to_image
        made._text_to_image = OfSize(call, size)
        both.append(made)
    pipelines = SizedPipelines(both)
    assert [str(size) for size in pipelines.facts.sizes] == ["64x64", "128x64"]
    for size in pipelines.facts.sizes:
        ((made_picture, _),) = pipelines.generate([job(size=size)])
        assert (made_picture.width, made_picture.height) == (size.width, size.height)
    with pytest.raises(JobRefusedError, match="one of 64x64, 128x64 is wanted"):
        pipelines.generate([job(size=Size(64, 128))])
