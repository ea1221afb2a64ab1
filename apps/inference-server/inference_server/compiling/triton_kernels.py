"""Kernels of torch.compile for one kind of GPU, beside the model that they were made for.

They are made as a server makes them: by its own loading, with these sizes and this batch. What
Inductor has then put into its caches (graphs, Triton's kernels, what autotuning chose) is one file
by `torch.compiler.save_cache_artifacts`. It has no kernels for LoRA adapters: with those, a server
compiles as if there were no artefact.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from inference_server.frameworks import triton
from inference_server.frameworks.cuda import DEVICE, require_device
from inference_server.loading.manifest import MANIFEST_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from inference_server.compiling.compiler import CompileTask
    from inference_server.job import Size
    from inference_server.loading.steps import Steps

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Options:
    """`LoadOptions`."""

    sizes: tuple[Size, ...]
    max_batch: int
    cache_folder: Path
    safety_checker: bool = False
    lora_folder: None = None
    model_id: None = None
    verify_files: bool = False


def compile_model(task: CompileTask, steps: Steps) -> None:
    """See `Compiler.compile_model`."""
    require_device("triton")
    compile_on(DEVICE, torch.float16, task, steps)


def compile_on(device: str, dtype: torch.dtype, task: CompileTask, steps: Steps) -> None:
    """`compile_model` on a device by torch's name."""
    source, inputs, folder = task.source, task.inputs, task.folder
    options = _Options(inputs.sizes, inputs.batch, task.work / "cache")
    triton.load_on(device, dtype, source.folder, options, steps)
    saved = torch.compiler.save_cache_artifacts()
    if saved is None:
        raise RuntimeError("torch.compile has kept nothing of what it has compiled")
    kernels, info = saved
    counts = {kind: len(keys) for kind, keys in info.artifacts.items()}
    logger.info("kernels: %d bytes", len(kernels), extra={"entries": counts})
    (folder / triton.KERNELS_NAME).write_bytes(kernels)
    for name in source.files.files:
        if name != MANIFEST_NAME:
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(source.folder / name, folder / name)
