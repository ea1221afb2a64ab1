"""Compiled graphs on AWS Inferentia2 and Trainium, by optimum-neuron.

Sizes and batch size are those of the graphs. A batch that is smaller is filled up by repeating its
last image. LoRA adapters are part of a graph's weights: compile one graph per adapter.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from inference_server.errors import JobRefusedError, UserError
from inference_server.frameworks.job_checks import check_jobs
from inference_server.frameworks.neuron_artefact import (
    NeuronArtefact,
    asked_of,
    check_device,
    find_artefacts,
)
from inference_server.job import ModelFacts
from inference_server.loading.local_copy import is_remote, local_copy
from inference_server.loading.manifest import verify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from inference_server.frameworks.framework import LoadOptions
    from inference_server.job import ImageJob, Picture
    from inference_server.loading.steps import Steps


def image_to_image(kind: Any, pipe: Any) -> Any:  # noqa: ANN401 - optimum has no types
    """Of class `kind`, on the graphs that `pipe` has on the device already."""
    return kind(
        config=pipe.config,
        configs=pipe.configs,
        neuron_configs=pipe.neuron_configs,
        data_parallel_mode=pipe.data_parallel_mode,
        scheduler=pipe.scheduler,
        vae_decoder=pipe.vae_decoder,
        text_encoder=pipe.text_encoder,
        text_encoder_2=pipe.text_encoder_2,
        unet=pipe.unet,
        vae_encoder=pipe.vae_encoder,
        tokenizer=pipe.tokenizer,
        tokenizer_2=pipe.tokenizer_2,
        model_save_dir=pipe.model_save_dir,
    )


class NeuronPipeline:
    """`Pipeline` of the framework interface."""

    def __init__(self, pipe: Any, edit_pipe: Any | None, facts: ModelFacts, batch: int) -> None:  # noqa: ANN401
        self._text_to_image = pipe
        self._image_to_image = edit_pipe
        self._batch = batch
        for each in (pipe, edit_pipe):
            if each is not None:
                each.set_progress_bar_config(disable=True)
        self.facts = facts

    def generate(self, jobs: Sequence[ImageJob]) -> list[tuple[Picture, bool]]:
        from inference_server.frameworks.diffusers_pipeline import (  # noqa: PLC0415 - needs torch
            generators,
            prompt_arguments,
        )
        from inference_server.frameworks.pixels import pictures  # noqa: PLC0415

        check_jobs(jobs, self.facts)
        shape = jobs[0].shape
        pipe = self._text_to_image
        # Guidance doubles the batch, one half for each of the device's two cores, and the UNet's
        # graph is loaded for that; a model that is guided by an embedding has all of it on both.
        if shape.guidance <= 1 and pipe.unet.config.time_cond_proj_dim is None:
            raise JobRefusedError(f"guidance: {shape.guidance}: more than 1 is wanted on Neuron")
        full = [*jobs, *[jobs[-1]] * (self._batch - len(jobs))]
        arguments = {
            **prompt_arguments(pipe, full, guided=shape.guidance > 1),
            "num_inference_steps": shape.steps,
            "guidance_scale": shape.guidance,
            "generator": generators(full),
            "output_type": "pt",
        }
        if shape.strength is None:
            made = pipe(**arguments)
        else:
            if self._image_to_image is None:
                raise JobRefusedError("this model makes no images from images")
            made = self._image_to_image(
                **arguments, image=self._latents(full), strength=shape.strength
            )
        flags = getattr(made, "nsfw_content_detected", None) or [False] * len(full)
        pairs = zip(pictures(made.images), map(bool, flags), strict=True)
        return list(pairs)[: len(jobs)]

    def _latents(self, jobs: Sequence[ImageJob]) -> list[Any]:
        """Of the sources, (channels, height, width) each.

        diffusers encodes pictures one by one if each has its generator, and the VAE's graph takes
        whole batches only. Latents it takes as they are.
        """
        from inference_server.frameworks.pixels import tensor  # noqa: PLC0415 - needs torch

        pipe = self._text_to_image
        sources = tensor([job.source for job in jobs if job.source is not None])
        encoded = pipe.vae_encoder(sources * 2 - 1).latent_dist.mode()
        return list(encoded * pipe.vae.config.scaling_factor)


class SizedPipelines:
    """`Pipeline` of the framework interface: one for each size, of which the job's makes it."""

    def __init__(self, pipelines: Sequence[NeuronPipeline]) -> None:
        self._by_size = {pipeline.facts.sizes[0]: pipeline for pipeline in pipelines}
        self.facts = replace(pipelines[0].facts, sizes=tuple(self._by_size))

    def generate(self, jobs: Sequence[ImageJob]) -> list[tuple[Picture, bool]]:
        check_jobs(jobs, self.facts)
        return self._by_size[jobs[0].shape.size].generate(jobs)


def _read(artefact: NeuronArtefact, near: Path, *, safety_checker: bool) -> tuple[Any, Any | None]:
    from optimum.neuron import (  # noqa: PLC0415 - only where Neuron's SDK is
        NeuronStableDiffusionImg2ImgPipeline,
        NeuronStableDiffusionPipeline,
        NeuronStableDiffusionXLImg2ImgPipeline,
        NeuronStableDiffusionXLPipeline,
    )

    kind, edit_kind = (
        (NeuronStableDiffusionXLPipeline, NeuronStableDiffusionXLImg2ImgPipeline)
        if artefact.sdxl
        else (NeuronStableDiffusionPipeline, NeuronStableDiffusionImg2ImgPipeline)
    )
    pipe = kind.from_pretrained(str(near), export=False, local_files_only=True)
    edit_pipe = image_to_image(edit_kind, pipe) if artefact.edits else None
    if safety_checker:
        from diffusers.pipelines.stable_diffusion.safety_checker import (  # noqa: PLC0415
            StableDiffusionSafetyChecker,
        )
        from transformers import CLIPImageProcessor  # noqa: PLC0415

        # optimum-neuron compiles none; on the CPU it takes a fraction of an image's time.
        checker = StableDiffusionSafetyChecker.from_pretrained(
            str(near / "safety_checker"), use_safetensors=True, local_files_only=True
        )
        extractor = CLIPImageProcessor.from_pretrained(str(near / "feature_extractor"))
        for each in (pipe, edit_pipe):
            if each is not None:
                each.safety_checker = checker
                each.feature_extractor = extractor
    return pipe, edit_pipe


def load(folder: Path, options: LoadOptions, steps: Steps) -> SizedPipelines:
    """See `Framework.load`. What torch-neuronx reads, it places at once."""
    with steps.step("find"):
        if options.model_id is not None:
            raise UserError(
                f"MODEL_ID: {options.model_id}: Neuron wants graphs that were compiled for this "
                "device; leave it out, and give their folder as MODEL_PATH"
            )
        artefacts = find_artefacts(folder, safety_checker=options.safety_checker)
        if options.verify_files:
            verify(folder, hashes=True)
        artefacts = asked_of(artefacts, options.sizes, options.max_batch)
        adapters = sorted(options.lora_folder.glob("*.safetensors")) if options.lora_folder else []
        if adapters:
            raise UserError(
                f"LORA_PATH: {', '.join(file.name for file in adapters)}: Neuron's graphs take no "
                "adapters while they run; compile them into an artefact, and leave LORA_PATH out"
            )
        try:
            from optimum.neuron.utils.instance import current_instance_type  # noqa: PLC0415
            from optimum.neuron.utils.version_utils import get_neuronxcc_version  # noqa: PLC0415

            for artefact in artefacts:
                check_device(artefact, get_neuronxcc_version(), current_instance_type())
        except (ModuleNotFoundError, RuntimeError, ValueError) as error:
            raise UserError(f"FRAMEWORK: neuron: no Neuron SDK and device here: {error}") from error

    from inference_server.frameworks.diffusers_pipeline import (  # noqa: PLC0415 - needs torch
        call_defaults,
        quiet,
        warm_up_jobs,
    )
    from inference_server.frameworks.scheduler_check import check_scheduler  # noqa: PLC0415

    quiet()
    with steps.step("read"):
        nears = []
        for artefact in artefacts:
            check_scheduler(artefact.folder)
            near = artefact.folder
            if is_remote(near):
                near = local_copy(near, artefact.files, options.cache_folder)
            nears.append(near)
    pipelines = []
    with steps.step("place"):
        for artefact, near in zip(artefacts, nears, strict=True):
            pipe, edit_pipe = _read(artefact, near, safety_checker=options.safety_checker)
            default_steps, default_guidance = call_defaults(pipe.auto_model_class)
            facts = ModelFacts(
                sizes=(artefact.size,),
                max_batch=options.max_batch or artefact.batch,
                loras=(),
                edits=artefact.edits,
                default_steps=default_steps,
                default_guidance=default_guidance,
            )
            pipelines.append(NeuronPipeline(pipe, edit_pipe, facts, artefact.batch))
    pipeline = SizedPipelines(pipelines)
    facts = pipeline.facts
    with steps.step("warm-up"):
        for size in facts.sizes:
            for edit in (False, True) if facts.edits else (False,):
                pipeline.generate(warm_up_jobs(size, 1, facts.default_guidance, edit=edit))
    return pipeline


def utilisation() -> float | None:
    """None: the driver's sysfs does not tell it.

    It has `nc_time_in_use`, the microseconds of the last execution alone, and the power in per cent
    of the most (AWS Neuron, "Neuron Sysfs User Guide"). Utilisation of the cores comes from
    neuron-monitor, which runs beside the server.
    """
    return None
