"""float16 on an NVIDIA GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from inference_server.errors import UserError
from inference_server.frameworks.batch_sizes import batch_that_fits
from inference_server.frameworks.diffusers_pipeline import Placement, load_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from inference_server.frameworks.diffusers_pipeline import DiffusersPipeline
    from inference_server.frameworks.framework import LoadOptions
    from inference_server.loading.steps import Steps

DEVICE = "cuda"


def require_device(framework: str) -> None:
    """Raises UserError."""
    if not torch.cuda.is_available():
        raise UserError(
            f"FRAMEWORK: {framework}: torch {torch.__version__} sees no NVIDIA GPU here"
        )


def measured_max_batch(make_one: Callable[[], object]) -> int:
    """By what one image takes of the memory that the model has left."""
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    make_one()
    image_bytes = torch.cuda.max_memory_allocated() - before
    torch.cuda.empty_cache()
    free_bytes, _ = torch.cuda.mem_get_info()
    return batch_that_fits(free_bytes, image_bytes)


def load(folder: Path, options: LoadOptions, steps: Steps) -> DiffusersPipeline:
    """See `Framework.load`."""
    require_device("cuda")
    placement = Placement(
        device=DEVICE,
        dtype=torch.float16,
        variants=("fp16",),
        channels_last=True,
        max_batch=measured_max_batch,
    )
    return load_pipeline(folder, options, steps, placement)


def utilisation() -> float | None:
    """Of the last sample period, as NVML says. None: there is no NVML binding (nvidia-ml-py)."""
    try:
        return torch.cuda.utilization() / 100
    except (ModuleNotFoundError, RuntimeError, AssertionError):
        return None
