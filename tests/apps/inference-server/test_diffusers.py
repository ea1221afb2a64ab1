"""What a request asks for is what diffusers does, on the real path with tiny models."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from diffusers import DiffusionPipeline, PNDMScheduler
from tiny_models import (
    SIZE,
    Options,
    difference,
    job,
    save_tiny_lora,
    save_tiny_sd,
    save_tiny_sdxl,
)
from torch._dynamo.testing import CompileCounter
from torch._subclasses.fake_tensor import FakeTensorMode

from inference_server.errors import JobRefusedError, UserError
from inference_server.frameworks import cpu, triton
from inference_server.frameworks.batch_sizes import batch_that_fits, fixed_sizes, padded_size
from inference_server.frameworks.diffusers_pipeline import Placement, load_pipeline
from inference_server.frameworks.lora_weights import LoraWeights
from inference_server.frameworks.scheduler_check import check_scheduler
from inference_server.job import Picture, Size
from inference_server.loading.steps import Steps

if TYPE_CHECKING:
    from inference_server.frameworks.framework import Pipeline
    from inference_server.job import ImageJob


@pytest.fixture(scope="module", params=["sd", "sdxl"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    return save_tiny_sd(folder) if request.param == "sd" else save_tiny_sdxl(folder)


@pytest.fixture(scope="module")
def loras(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loras")
    save_tiny_lora(model, folder, "pixel.v2")
    save_tiny_lora(model, folder, "watercolour")
    return folder


@pytest.fixture(scope="module")
def pipeline(model: Path, loras: Path, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    cache = tmp_path_factory.mktemp("cache")
    return cpu.load(model, Options(cache_folder=cache, lora_folder=loras), Steps())


def one(pipeline: Pipeline, asked: ImageJob) -> Picture:
    ((picture, _),) = pipeline.generate([asked])
    return picture


def test_facts_are_the_models_and_librarys_own(pipeline: Pipeline, model: Path) -> None:
    facts = pipeline.facts
    assert facts.sizes == (SIZE,)
    assert facts.loras == ("pixel.v2", "watercolour")
    assert facts.edits
    guidance = 5.0 if (model / "text_encoder_2").is_dir() else 7.5
    assert (facts.default_steps, facts.default_guidance) == (50, guidance)


def test_pixels_come_as_rows_of_three_bytes(pipeline: Pipeline) -> None:
    picture = one(pipeline, job())
    assert (picture.width, picture.height) == (64, 64)
    assert len(picture.rgb) == 64 * 64 * 3
    assert len(set(picture.rgb)) > 10


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "a dog on the moon"},
        {"negative_prompt": "rain, fog and snow"},
        {"guidance": 1.0},
        {"guidance": 15.0},
        {"steps": 4},
        {"strength": 0.5},
    ],
    ids=str,
)
def test_each_field_has_an_effect(pipeline: Pipeline, other: dict[str, object]) -> None:
    assert difference(one(pipeline, job()), one(pipeline, job(**other))) > 2  # type: ignore[arg-type]


def test_less_strength_keeps_more_of_the_source(pipeline: Pipeline) -> None:
    asked = [job(steps=4, strength=strength) for strength in (0.25, 1.0)]
    little, much = (one(pipeline, each) for each in asked)
    source = asked[0].source
    assert source is not None

    def distance(picture: Picture) -> int:
        return sum(abs(a - b) for a, b in zip(picture.rgb, source.rgb, strict=True))

    assert difference(little, much) > 2
    assert distance(little) != distance(much)


def test_an_adapter_changes_its_image_and_leaves_no_trace(pipeline: Pipeline) -> None:
    plain = one(pipeline, job())
    first = one(pipeline, job(lora="pixel.v2"))
    second = one(pipeline, job(lora="watercolour"))
    assert one(pipeline, job(lora="pixel.v2")) == first
    assert one(pipeline, job()) == plain
    assert difference(plain, first) > 2
    assert difference(plain, second) > 2
    assert difference(first, second) > 2


def test_the_models_own_weights_wait_in_the_hosts_memory() -> None:
    class Layer:
        def get_delta_weight(self, _: str) -> torch.Tensor:
            return torch.ones(2, 2, device="cuda")

    # Tensors that have a device and no content, so that no GPU is needed.
    with FakeTensorMode():
        weight = torch.nn.Parameter(torch.ones(2, 2, device="cuda"))
        loras = LoraWeights()
        loras._layers["pixel"], loras._keys["pixel"] = [(Layer(), weight)], "lora_0"
        loras.use("pixel")
        assert weight.device.type == "cuda"
        assert [kept.device.type for _, kept in loras._kept] == ["cpu"]


@pytest.mark.parametrize("negative", ["rain", ""])
@pytest.mark.parametrize("lora", ["watercolour", None])
def test_the_image_is_the_one_that_diffusers_makes(
    pipeline: Pipeline, model: Path, loras: Path, lora: str | None, negative: str
) -> None:
    reference = DiffusionPipeline.from_pretrained(model)
    if lora is not None:
        reference.load_lora_weights(loras, weight_name=f"{lora}.safetensors", adapter_name="w")
        reference.set_adapters("w")
    asked = job("a cat", negative_prompt=negative, lora=lora)
    images = reference(
        prompt=asked.prompt,
        # SDXL tells none from an empty one.
        negative_prompt=negative or None,
        num_inference_steps=asked.shape.steps,
        guidance_scale=asked.shape.guidance,
        height=64,
        width=64,
        generator=torch.Generator("cpu").manual_seed(asked.seed),
        output_type="np",
    ).images
    wanted = Picture(64, 64, (images[0] * 255).round().astype("uint8").tobytes())
    assert difference(one(pipeline, asked), wanted) <= 2


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (job(lora="nobody"), "lora: 'nobody': one of pixel.v2, watercolour"),
        (job(size=Size(64, 128)), "size: 64x128: one of 64x64"),
        (job(strength=0.3, steps=2), "less than one step"),
    ],
    ids=["lora", "size", "strength"],
)
def test_what_the_model_cannot_do_is_refused_in_words(
    pipeline: Pipeline, asked: ImageJob, words: str
) -> None:
    with pytest.raises(JobRefusedError, match=words):
        pipeline.generate([asked])


def test_a_prompt_that_is_too_long_is_not_logged(
    pipeline: Pipeline, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    one(pipeline, job("secret " * 100))
    printed = capfd.readouterr()
    assert "secret" not in printed.out + printed.err + caplog.text


def test_safety_checker_blackens_and_flags(tmp_path: Path) -> None:
    model = save_tiny_sd(tmp_path / "model", safety_checker=True)
    on = cpu.load(model, Options(tmp_path / "cache", safety_checker=True), Steps())
    for picture, flagged in on.generate([job(seed=1), job(seed=2)]):
        assert flagged
        assert set(picture.rgb) == {0}
    off = cpu.load(model, Options(tmp_path / "cache"), Steps())
    ((picture, flagged),) = off.generate([job()])
    assert not flagged
    assert set(picture.rgb) != {0}


def test_safety_checker_without_one_is_the_users_error(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="SAFETY_CHECKER: on"):
        cpu.load(model, Options(tmp_path, safety_checker=True), Steps())


def test_an_adapter_of_another_model_is_named(model: Path, tmp_path: Path) -> None:
    make = save_tiny_sdxl if not (model / "text_encoder_2").is_dir() else save_tiny_sd
    save_tiny_lora(make(tmp_path / "other"), tmp_path / "loras", "stranger")
    with pytest.raises(UserError, match=r"stranger\.safetensors: "):
        cpu.load(model, Options(tmp_path, lora_folder=tmp_path / "loras"), Steps())


def test_a_size_that_latents_cannot_have_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="SIZES: 60x64"):
        cpu.load(model, Options(tmp_path, sizes=(Size(60, 64),)), Steps())


def with_scheduler(folder: Path, name: str, **settings: Any) -> Path:
    """Of a model, what `check_scheduler` reads."""
    (folder / "scheduler").mkdir()
    (folder / "model_index.json").write_text(json.dumps({"scheduler": ["diffusers", name]}))
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize(
    ("name", "settings", "library"),
    [
        ("LMSDiscreteScheduler", {}, "scipy"),
        ("EulerDiscreteScheduler", {"use_beta_sigmas": True}, "scipy"),
        ("DPMSolverSDEScheduler", {}, "torchsde"),
    ],
)
def test_a_library_that_a_scheduler_wants_is_named(
    name: str, settings: dict[str, Any], library: str, tmp_path: Path
) -> None:
    if find_spec(library):
        pytest.skip(f"{library} is installed")
    with pytest.raises(UserError, match=f"{name} wants a library that is not here: .*{library}"):
        check_scheduler(with_scheduler(tmp_path, name, **settings))


def test_a_scheduler_that_breaks_with_few_steps_is_refused(tmp_path: Path) -> None:
    model = save_tiny_sd(tmp_path / "model")
    index = json.loads((model / "model_index.json").read_text())
    index["scheduler"] = ["diffusers", "PNDMScheduler"]
    (model / "model_index.json").write_text(json.dumps(index))
    PNDMScheduler(skip_prk_steps=False).save_pretrained(model / "scheduler")
    with pytest.raises(UserError, match=r"in 1 steps: .*; set skip_prk_steps to true"):
        cpu.load(model, Options(tmp_path, max_batch=1), Steps())
    PNDMScheduler(skip_prk_steps=True).save_pretrained(model / "scheduler")
    check_scheduler(model)


def test_a_scheduler_that_diffusers_has_not_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="diffusers has no NoSuchScheduler"):
        check_scheduler(with_scheduler(tmp_path, "NoSuchScheduler"))


def test_compiled_it_makes_the_same_images_and_compiles_nothing_after_loading(
    pipeline: Pipeline, model: Path, loras: Path, tmp_path: Path
) -> None:
    counter = CompileCounter()
    placement = Placement(
        device="cpu",
        dtype=torch.float32,
        channels_last=True,
        compile_model=lambda unet: triton.compile_unet(unet, backend=counter),
        compiled=triton.no_more_compiling,
    )
    try:
        compiled = load_pipeline(
            model, Options(tmp_path, max_batch=3, lora_folder=loras), Steps(), placement
        )
        during_loading = counter.frame_count
        assert during_loading > 0
        # Stricter than in service: what is not there is an error.
        torch.compiler.set_stance("fail_on_recompile")
        for asked in (
            job(),
            job(guidance=1.0),
            job(steps=5, strength=0.5),
            job(lora="watercolour"),
            job(),
        ):
            plain = one(pipeline, asked)
            for batch in (1, 2, 3):
                made = compiled.generate([asked] * batch)
                assert len(made) == batch
                assert all(difference(picture, plain) <= 2 for picture, _ in made)
        assert counter.frame_count == during_loading
    finally:
        torch.compiler.set_stance("default")
        torch._dynamo.reset()


def test_kernels_are_kept_in_the_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "TORCHINDUCTOR_CACHE_DIR",
        "TRITON_CACHE_DIR",
        "TORCHINDUCTOR_FX_GRAPH_CACHE",
    ):
        monkeypatch.setenv(name, "")
    triton.keep_kernels(tmp_path)
    assert Path(os.environ["TORCHINDUCTOR_CACHE_DIR"]).is_relative_to(tmp_path)
    assert Path(os.environ["TRITON_CACHE_DIR"]).is_relative_to(tmp_path)


@pytest.mark.parametrize("most", range(1, 20))
def test_every_batch_has_a_fixed_size_that_holds_it(most: int) -> None:
    for images in range(1, most + 1):
        assert images <= padded_size(images, most) <= min(most, 2 * images)
        assert padded_size(images, most) in fixed_sizes(most)


@pytest.mark.parametrize(
    ("free_gib", "image_gib", "wanted"),
    [(20, 1, 8), (20, 3, 4), (2, 3, 1), (0, 1, 1), (20, 0, 8)],
)
def test_a_batch_is_what_the_free_memory_holds(free_gib: int, image_gib: int, wanted: int) -> None:
    assert batch_that_fits(free_gib * 1024**3, image_gib * 1024**3) == wanted
