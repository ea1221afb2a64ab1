"""What a model refuses to make, before its device is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference_server.errors import JobRefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference_server.job import ImageJob, ModelFacts


def check_jobs(jobs: Sequence[ImageJob], facts: ModelFacts) -> None:
    """Raises JobRefusedError that says what is allowed.

    Raises ValueError for a batch that nobody should have made: of several shapes, or too large.
    """
    shapes = {job.shape for job in jobs}
    if len(shapes) != 1 or len(jobs) > facts.max_batch:
        raise ValueError(
            f"{len(jobs)} images of {len(shapes)} shapes; at most {facts.max_batch} of one"
        )
    (shape,) = shapes
    if shape.size not in facts.sizes:
        raise JobRefusedError(
            f"size: {shape.size}: one of {', '.join(map(str, facts.sizes))} is wanted"
        )
    if shape.lora is not None and shape.lora not in facts.loras:
        allowed = f"one of {', '.join(facts.loras)} is wanted" if facts.loras else "there are none"
        raise JobRefusedError(f"lora: {shape.lora!r}: {allowed}")
    if shape.strength is None:
        return
    if not facts.edits:
        raise JobRefusedError("this model makes no images from images")
    # As diffusers' image-to-image pipelines count (get_timesteps): less would be no step.
    if int(shape.steps * shape.strength) < 1:
        raise JobRefusedError(
            f"strength: {shape.strength} of {shape.steps} steps is less than one step; "
            f"at least {1 / shape.steps:.3f} is wanted"
        )
    for job in jobs:
        source = job.source
        if source is None or (source.width, source.height) != (shape.size.width, shape.size.height):
            raise JobRefusedError(f"image: {shape.size} is wanted")
