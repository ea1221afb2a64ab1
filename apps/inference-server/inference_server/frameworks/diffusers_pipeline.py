"""Stable Diffusion and SDXL by diffusers: what the frameworks cpu, cuda and triton share."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from diffusers import (
    AutoPipelineForImage2Image,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
)
from diffusers.utils import logging as diffusers_logging

from inference_server.errors import UserError
from inference_server.frameworks.batch_sizes import fixed_sizes, padded_size
from inference_server.frameworks.job_checks import check_jobs
from inference_server.frameworks.lora_weights import LoraWeights
from inference_server.frameworks.pixels import pictures, tensor
from inference_server.frameworks.scheduler_check import check_scheduler
from inference_server.job import ImageJob, ModelFacts, Picture, Shape, Size
from inference_server.loading.local_copy import is_remote, local_copy
from inference_server.loading.manifest import verify
from inference_server.loading.model_files import ModelFiles, download, find_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from inference_server.frameworks.framework import LoadOptions
    from inference_server.loading.steps import Steps

#: Warm-up needs no picture: two steps take every path that more do (a scheduler's first step has
#: no history, and what it makes may be laid out otherwise in memory than the noise).
WARM_UP_STEPS = 2


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how a framework runs the pipeline."""

    #: As torch names it.
    device: str
    dtype: torch.dtype
    #: Preferred variants of weight files.
    variants: tuple[str, ...] = ()
    #: Convolutions are faster in it on tensor cores. Source: diffusers, "Accelerate inference".
    channels_last: bool = False
    #: Compiles in place; called once, before the first image.
    compile_model: Callable[[torch.nn.Module], None] | None = None
    #: Called when every kernel is there.
    compiled: Callable[[], None] | None = None
    #: Images in one call at most where nobody has said it; gets a function that makes one image.
    max_batch: Callable[[Callable[[], object]], int] = lambda _: 4


def quiet() -> None:
    """diffusers warns of prompts that are cut off, with the prompts; those are nobody's to read."""
    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()


def generators(jobs: Sequence[ImageJob]) -> list[torch.Generator]:
    """One each, on the CPU: noise depends on the seed alone, not on neighbours or the device."""
    return [torch.Generator("cpu").manual_seed(job.seed) for job in jobs]


def prompt_arguments(pipe: Any, jobs: Sequence[ImageJob], guided: bool) -> dict[str, Any]:  # noqa: ANN401
    """What the pipeline's call wants to know of prompts.

    SDXL takes no negative prompt for zeros, and an empty one for a text; one call has one or the
    other for all. A batch has both, so they are encoded here, and the rows without one made zeros.
    """
    prompts = [job.prompt for job in jobs]
    negatives = [job.negative_prompt for job in jobs]
    # optimum-neuron has the attribute on every pipeline.
    if getattr(pipe, "tokenizer_2", None) is None:
        return {"prompt": prompts, "negative_prompt": negatives}
    embeds, negative, pooled, negative_pooled = pipe.encode_prompt(
        prompt=prompts, negative_prompt=negatives, do_classifier_free_guidance=guided
    )
    if guided and pipe.config.force_zeros_for_empty_prompt:
        for row, text in enumerate(negatives):
            if not text:
                negative[row] = 0
                negative_pooled[row] = 0
    return {
        "prompt_embeds": embeds,
        "negative_prompt_embeds": negative,
        "pooled_prompt_embeds": pooled,
        "negative_pooled_prompt_embeds": negative_pooled,
    }


def call_defaults(pipeline_class: type) -> tuple[int, float]:
    """Steps and guidance as diffusers sets them for this pipeline."""
    parameters = inspect.signature(pipeline_class.__call__).parameters
    return parameters["num_inference_steps"].default, parameters["guidance_scale"].default


def native_size(pipe: Any) -> Size:  # noqa: ANN401
    """In pixels: the UNet knows it in latents."""
    size = pipe.unet.config.sample_size
    height, width = size if isinstance(size, (list, tuple)) else (size, size)
    return Size(width * pipe.vae_scale_factor, height * pipe.vae_scale_factor)


class DiffusersPipeline:
    """A pipeline on its device. `Pipeline` of the framework interface."""

    def __init__(
        self,
        pipe: Any,  # noqa: ANN401
        loras: LoraWeights,
        facts: ModelFacts,
        *,
        pads: bool,
    ) -> None:
        self._text_to_image = pipe
        # Shares the parts, and so the memory.
        self._image_to_image = AutoPipelineForImage2Image.from_pipe(pipe)
        for each in (self._text_to_image, self._image_to_image):
            each.set_progress_bar_config(disable=True)
        self._loras = loras
        self._pads = pads
        self.facts = facts

    def generate(self, jobs: Sequence[ImageJob]) -> list[tuple[Picture, bool]]:
        check_jobs(jobs, self.facts)
        wanted = len(jobs)
        if self._pads:
            # Kernels are compiled for these batch sizes; what is too much is made and thrown away.
            spare = padded_size(wanted, self.facts.max_batch) - wanted
            jobs = [*jobs, *[jobs[-1]] * spare]
        images, flags = self._run(jobs)
        return list(zip(pictures(images), flags, strict=True))[:wanted]

    @torch.inference_mode()
    def _run(self, jobs: Sequence[ImageJob]) -> tuple[torch.Tensor, list[bool]]:
        shape = jobs[0].shape
        self._loras.use(shape.lora)
        guided = shape.guidance > 1 and self._text_to_image.unet.config.time_cond_proj_dim is None
        arguments = {
            **prompt_arguments(self._text_to_image, jobs, guided),
            "num_inference_steps": shape.steps,
            "guidance_scale": shape.guidance,
            "generator": generators(jobs),
            "output_type": "pt",
        }
        if shape.strength is None:
            made = self._text_to_image(
                **arguments, height=shape.size.height, width=shape.size.width
            )
        else:
            sources = [job.source for job in jobs if job.source is not None]
            made = self._image_to_image(**arguments, image=tensor(sources), strength=shape.strength)
        flags = getattr(made, "nsfw_content_detected", None) or [False] * len(jobs)
        return made.images, [bool(flag) for flag in flags]


def read_pipeline(files: ModelFiles, folder: Path, dtype: torch.dtype) -> Any:  # noqa: ANN401
    """diffusers' pipeline, on the CPU, from `folder`: that of the files or a copy of it."""
    arguments: dict[str, Any] = {
        "torch_dtype": dtype,
        "variant": files.variant,
        "use_safetensors": True,
        "local_files_only": True,
    }
    if files.index.pipeline == "StableDiffusionXLPipeline":
        return StableDiffusionXLPipeline.from_pretrained(
            str(folder),
            **arguments,
            image_encoder=None,
            feature_extractor=None,
            add_watermarker=False,
        )
    if "safety_checker" in files.index.parts:
        return StableDiffusionPipeline.from_pretrained(
            str(folder), **arguments, image_encoder=None, requires_safety_checker=True
        )
    return StableDiffusionPipeline.from_pretrained(
        str(folder),
        **arguments,
        image_encoder=None,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def warm_up_jobs(size: Size, batch: int, guidance: float, *, edit: bool) -> list[ImageJob]:
    """A batch of grey pictures, or of nothing."""
    shape = Shape(size, WARM_UP_STEPS, guidance, strength=1.0 if edit else None)
    source = Picture(size.width, size.height, b"\x80" * (size.width * size.height * 3))
    return [ImageJob(shape, "", "", seed, source if edit else None) for seed in range(batch)]


def check_sizes(sizes: Sequence[Size], step: int) -> None:
    """Raises UserError: diffusers takes multiples of 8, and of what the VAE makes of a latent."""
    wrong = [size for size in sizes if size.width % step or size.height % step]
    if wrong:
        raise UserError(f"SIZES: {', '.join(map(str, wrong))}: multiples of {step} are wanted")


def load_pipeline(
    folder: Path, options: LoadOptions, steps: Steps, placement: Placement
) -> DiffusersPipeline:
    """All of loading; see `Framework.load`."""
    quiet()
    safety_checker, variants = options.safety_checker, placement.variants
    with steps.step("find"):
        if options.model_id is not None:
            folder = download(
                options.model_id,
                options.cache_folder,
                safety_checker=safety_checker,
                variants=variants,
            )
        files = find_model(folder, safety_checker=safety_checker, variants=variants)
        if options.verify_files:
            verify(folder, hashes=True)
        check_scheduler(folder)
    loras = LoraWeights()
    with steps.step("read"):
        near = folder
        if is_remote(folder):
            near = local_copy(folder, files.files, options.cache_folder)
        pipe = read_pipeline(files, near, placement.dtype)
        if options.lora_folder is not None:
            loras.load(pipe, options.lora_folder)
    sizes = options.sizes or (native_size(pipe),)
    check_sizes(sizes, max(8, pipe.vae_scale_factor))
    default_steps, default_guidance = call_defaults(type(pipe))

    with steps.step("place"):
        pipe.to(placement.device)
        loras.to(placement.device)
        if placement.channels_last:
            pipe.unet.to(memory_format=torch.channels_last)
            pipe.vae.to(memory_format=torch.channels_last)

    def served(max_batch: int) -> DiffusersPipeline:
        return DiffusersPipeline(
            pipe,
            loras,
            ModelFacts(
                sizes=sizes,
                max_batch=max_batch,
                loras=loras.names,
                edits=True,
                default_steps=default_steps,
                default_guidance=default_guidance,
            ),
            pads=placement.compile_model is not None,
        )

    def run(pipeline: DiffusersPipeline, batches: Sequence[int]) -> None:
        for size in sizes:
            for batch in batches:
                for edit in (False, True):
                    pipeline.generate(warm_up_jobs(size, batch, default_guidance, edit=edit))

    largest = max(sizes, key=lambda size: size.width * size.height)
    max_batch = options.max_batch or placement.max_batch(
        lambda: served(1).generate(warm_up_jobs(largest, 1, default_guidance, edit=False))
    )
    pipeline = served(max_batch)
    if placement.compile_model is not None:
        with steps.step("compile"):
            placement.compile_model(pipe.unet)
            # Compilation happens at the first call of each shape.
            run(pipeline, fixed_sizes(max_batch))
            # Without guidance the UNet sees a batch as it is, with it twice: most are there now.
            for size in sizes:
                for batch in fixed_sizes(max_batch):
                    pipeline.generate(warm_up_jobs(size, batch, 1.0, edit=False))
            if placement.compiled:
                placement.compiled()
    with steps.step("warm-up"):
        run(pipeline, sorted({1, max_batch}))
    return pipeline
