"""The promise of seeds, on the real diffusers path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from tiny_models import Options, difference, job, picture, save_tiny_sd, save_tiny_sdxl

from inference_server.frameworks import cpu
from inference_server.loading.steps import Steps

if TYPE_CHECKING:
    from inference_server.frameworks.framework import Pipeline
    from inference_server.job import ImageJob, Picture

#: In 255ths of a channel.
SAME = 2


@pytest.fixture(scope="module", params=["sd", "sd-ancestral", "sdxl"])
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sdxl":
        save_tiny_sdxl(folder)
    else:
        save_tiny_sd(folder, ancestral=request.param == "sd-ancestral")
    return cpu.load(folder, Options(cache_folder=tmp_path_factory.mktemp("cache")), Steps())


def made(pipeline: Pipeline, *jobs: ImageJob) -> list[Picture]:
    return [picture for picture, _ in pipeline.generate(jobs)]


@pytest.mark.parametrize("strength", [None, 1.0, 0.5], ids=["text", "image", "image-half"])
@pytest.mark.parametrize("guidance", [7.5, 1.0])
def test_same_seed_gives_the_same_image_at_any_place_in_any_batch(
    pipeline: Pipeline, strength: float | None, guidance: float
) -> None:
    def asked(prompt: str, seed: int, negative: str = "") -> ImageJob:
        source = None if strength is None else picture(seed=seed)
        return job(
            prompt,
            seed=seed,
            negative_prompt=negative,
            guidance=guidance,
            strength=strength,
            source=source,
        )

    (alone,) = made(pipeline, asked("a cat", 7))
    for place in range(4):
        # Neighbours have negative prompts, or none, and prompts of other lengths.
        neighbours = [
            asked(f"some dog {'at sea ' * at}", 100 + at + place, "rain" if at % 2 else "")
            for at in range(3)
        ]
        batch = made(pipeline, *neighbours[:place], asked("a cat", 7), *neighbours[place:])
        assert difference(batch[place], alone) <= SAME
        for at, each in enumerate(batch):
            assert at == place or difference(each, alone) > SAME


def test_same_seed_gives_the_same_image_again(pipeline: Pipeline) -> None:
    first, second = (made(pipeline, job(seed=2**32 - 1))[0] for _ in range(2))
    assert first == second


def test_seeds_that_follow_each_other_give_different_images(pipeline: Pipeline) -> None:
    batch = made(pipeline, *(job(seed=seed) for seed in range(4)))
    assert all(
        difference(batch[one], batch[other]) > SAME for one in range(4) for other in range(one)
    )
