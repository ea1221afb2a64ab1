"""float16 on an NVIDIA GPU, the UNet compiled by TorchInductor to Triton kernels.

Kernels are made for fixed shapes, since those are the fastest, and for no others: each of the
sizes, each batch size of `fixed_sizes`, with and without guidance. Smaller batches are filled up.
After that nothing is compiled any more; a shape that was overseen runs uncompiled.

Mode: `max-autotune` is what diffusers' "Accelerate inference" recommends; here without CUDA graphs.
Those reuse their output's memory at the next step, and without guidance a multistep scheduler keeps
that output (torch.compiler documentation, "CUDAGraph Trees": tensors of earlier runs are
overwritten); they also want their own memory for each shape.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from inference_server.frameworks.cuda import (
    DEVICE,
    measured_max_batch,
    require_device,
    utilisation,
)
from inference_server.frameworks.diffusers_pipeline import Placement, load_pipeline
from inference_server.loading.verified_bytes import verified_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from inference_server.frameworks.diffusers_pipeline import DiffusersPipeline
    from inference_server.frameworks.framework import LoadOptions
    from inference_server.loading.steps import Steps

__all__ = [
    "KERNELS_NAME",
    "compile_unet",
    "keep_kernels",
    "load",
    "load_on",
    "no_more_compiling",
    "take_kernels",
    "utilisation",
]

logger = logging.getLogger(__name__)

MODE = "max-autotune-no-cudagraphs"

#: Graphs of one function: sizes times batch sizes, and the same again without guidance. torch's own
#: limit is 8, and what is above it runs uncompiled.
MOST_GRAPHS = 256

#: Of an artefact of `inference-server compile`: what `torch.compiler.save_cache_artifacts` gives.
KERNELS_NAME = "kernels.cache"

#: torch's name of one, or one.
Backend = str | Callable[..., Any]


def keep_kernels(cache_folder: Path) -> None:
    """So that a worker that is started again, or a mounted cache, spares the compiling.

    Source: PyTorch, "Compile Time Caching Configuration".
    """
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(cache_folder / "inductor")
    os.environ["TRITON_CACHE_DIR"] = str(cache_folder / "triton")
    os.environ["TORCHINDUCTOR_FX_GRAPH_CACHE"] = "1"


def compile_unet(unet: torch.nn.Module, *, backend: Backend = "inductor") -> None:
    """In place, so that both pipelines and the LoRA adapters keep the same module."""
    torch._dynamo.config.recompile_limit = MOST_GRAPHS
    compiled = torch.compile(
        unet.forward,
        backend=backend,
        fullgraph=True,
        dynamic=False,
        mode=MODE if backend == "inductor" else None,
    )

    @functools.wraps(unet.forward)
    def forward(sample: torch.Tensor, *args: object, **kwargs: object) -> object:
        # Noise, encoded pictures and what a step has made lie differently in memory; each layout
        # would be another graph.
        return compiled(sample.contiguous(memory_format=torch.channels_last), *args, **kwargs)

    unet.forward = forward


def no_more_compiling() -> None:
    torch.compiler.set_stance("eager_on_recompile")


def take_kernels(kernels: bytes) -> None:
    """Puts them into the caches, where compiling finds them. They hold pickles: trust is needed.

    Those that fit another device or torch are never asked for, and made anew.
    """
    info = torch.compiler.load_cache_artifacts(kernels)
    if info is None:
        logger.warning("the artefact's kernels cannot be read, and are made anew")
        return
    counts = {kind: len(keys) for kind, keys in info.artifacts.items()}
    logger.info("kernels: %d bytes of the artefact", len(kernels), extra={"entries": counts})


def load(folder: Path, options: LoadOptions, steps: Steps) -> DiffusersPipeline:
    """See `Framework.load`."""
    require_device("triton")
    return load_on(DEVICE, torch.float16, folder, options, steps)


def load_on(
    device: str, dtype: torch.dtype, folder: Path, options: LoadOptions, steps: Steps
) -> DiffusersPipeline:
    """`load` on a device by torch's name."""
    keep_kernels(options.cache_folder)

    def compile_with_kernels(unet: torch.nn.Module) -> None:
        # By its manifest: nobody vouches for what a folder without one holds, nor for a hub's.
        kernels = None if options.model_id else verified_bytes(folder, KERNELS_NAME)
        if kernels is not None:
            take_kernels(kernels)
        compile_unet(unet)

    placement = Placement(
        device=device,
        dtype=dtype,
        variants=("fp16",),
        channels_last=True,
        max_batch=measured_max_batch,
        compile_model=compile_with_kernels,
        compiled=no_more_compiling,
    )
    return load_pipeline(folder, options, steps, placement)
