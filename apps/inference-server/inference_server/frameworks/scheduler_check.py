"""Whether a model's scheduler can be made here, and takes as few steps as may be asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import diffusers

from inference_server.errors import UserError
from inference_server.loading.pipeline_index import INDEX_NAME

if TYPE_CHECKING:
    from pathlib import Path

#: A request may ask for any number from 1; warm-up takes 2.
FEW_STEPS = (1, 2)


def check_scheduler(folder: Path) -> None:
    """Of a folder whose index was found to be right.

    Raises UserError when diffusers has no such scheduler, when it wants a library that is not
    here, or when it breaks with few steps: a request for them would break the worker.
    """
    file = folder / "scheduler" / "scheduler_config.json"
    name = (json.loads((folder / INDEX_NAME).read_text()).get("scheduler") or [None])[-1]
    kind = getattr(diffusers, str(name), None)
    if kind is None:
        raise UserError(f"{folder / INDEX_NAME}: scheduler: diffusers has no {name}")
    try:
        scheduler = kind.from_pretrained(str(folder), subfolder="scheduler", local_files_only=True)
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{file}: {name} wants a library that is not here: {reason}") from None
    steps = 0
    try:
        for steps in FEW_STEPS:
            scheduler.set_timesteps(steps)
    except (ValueError, TypeError, ArithmeticError, LookupError, RuntimeError) as error:
        # PNDM's Runge-Kutta steps want 4; Stable Diffusion is better without them (diffusers,
        # PNDMScheduler).
        prk = scheduler.config.get("skip_prk_steps") is False
        hint = "; set skip_prk_steps to true" if prk else ""
        raise UserError(
            f"{file}: {name} cannot make images in {steps} steps: {error}{hint}"
        ) from error
