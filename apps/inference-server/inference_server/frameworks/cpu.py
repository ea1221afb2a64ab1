"""float32 on the CPU: for laptops and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from inference_server.frameworks.diffusers_pipeline import Placement, load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

    from inference_server.frameworks.diffusers_pipeline import DiffusersPipeline
    from inference_server.frameworks.framework import LoadOptions
    from inference_server.loading.steps import Steps


def load(folder: Path, options: LoadOptions, steps: Steps) -> DiffusersPipeline:
    """See `Framework.load`."""
    return load_pipeline(folder, options, steps, Placement(device="cpu", dtype=torch.float32))


def utilisation() -> float | None:
    """None: other programs use the CPU too, so what the system says is not the device's."""
    return None
