"""Graphs for Inferentia2 and Trainium by optimum-neuron, a pipeline's folder for each size.

By `main_export`, which `NeuronStableDiffusionPipeline.from_pretrained(export=True)` calls (0.4.5,
optimum/neuron/modeling_diffusion.py, `_export`). Here it is called itself: it wants no device,
loads nothing onto one, and takes a pipeline that was read from safetensors of either variant.
No compile cache of a hub is asked.
"""

from __future__ import annotations

import shutil
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

from inference_server.errors import UserError
from inference_server.frameworks.neuron_artefact import find_artefact
from inference_server.loading.local_copy import is_remote, local_copy
from inference_server.loading.model_files import find_model

if TYPE_CHECKING:
    from pathlib import Path

    from inference_server.compiling.artefact_key import ArtefactInputs
    from inference_server.compiling.compiler import CompileTask
    from inference_server.compiling.model_source import ModelSource
    from inference_server.job import Size
    from inference_server.loading.steps import Steps

#: Matrix multiplications in bfloat16, all else in float32: what optimum-neuron's `_export` has by
#: default, and what its documentation compiles Stable Diffusion and SDXL with ("Stable Diffusion",
#: "Stable Diffusion XL": `--auto_cast matmul --auto_cast_type bf16`).
CASTS = {"auto_cast": "matmul", "auto_cast_type": "bf16"}

#: "The best balance between model performance and compile time", and `_export`'s default.
OPTLEVEL = "2"


class Export(Protocol):
    def __call__(self, pipe: Any, near: Path, folder: Path, target: str, **shape: int) -> None:  # noqa: ANN401
        """Compiles `pipe`, which was read from `near`, into `folder`.

        `target`: as optimum-neuron names the device; `shape`: batch_size, height and width.
        """


def compilation_target(accelerator: str) -> str:
    """The device's name as optimum-neuron has it: trn1 for inf2 too, which has the same cores.

    Raises UserError when this machine has another device.
    """
    from optimum.neuron.utils.instance import (  # noqa: PLC0415 - only where Neuron's SDK is
        align_compilation_target,
        normalize_instance_type,
    )

    try:
        target = normalize_instance_type(accelerator)
        found = align_compilation_target(target, override=False)
    except ValueError as error:
        raise UserError(f"--accelerator: {accelerator}: {error}") from None
    if found != target:
        raise UserError(f"--accelerator: {accelerator}: this machine compiles for {found}")
    return str(target)


def export_graphs(pipe: Any, near: Path, folder: Path, target: str, **shape: int) -> None:  # noqa: ANN401
    """`Export` by optimum-neuron."""
    from optimum.exporters.neuron import (  # noqa: PLC0415 - only where Neuron's SDK is
        main_export,
        normalize_diffusers_input_shapes,
    )

    main_export(
        model_name_or_path=str(near),
        output=folder,
        compiler_kwargs={**CASTS, "instance_type": target},
        model=pipe,
        task="text-to-image",
        library_name="diffusers",
        local_files_only=True,
        disable_neuron_cache=True,
        # Weights inside the graphs, as `_export` has it by default: SDXL's UNet compiles no other
        # way (optimum/exporters/neuron/convert.py).
        inline_weights_to_neff=True,
        optlevel=OPTLEVEL,
        do_validation=False,
        **normalize_diffusers_input_shapes(shape),
    )


def compile_model(task: CompileTask, steps: Steps) -> None:
    """See `Compiler.compile_model`."""
    compile_by(export_graphs, compilation_target(task.inputs.accelerator), task, steps)


def compile_by(export: Export, target: str, task: CompileTask, steps: Steps) -> None:
    """`compile_model` by another exporter. `target`: the device, as optimum-neuron names it."""
    import torch  # noqa: PLC0415 - takes seconds

    from inference_server.frameworks.diffusers_pipeline import (  # noqa: PLC0415 - needs torch
        quiet,
        read_pipeline,
    )
    from inference_server.frameworks.scheduler_check import check_scheduler  # noqa: PLC0415

    source, inputs, folder = task.source, task.inputs, task.folder
    quiet()
    for size in inputs.sizes:
        into = folder if len(inputs.sizes) == 1 else folder / str(size)
        into.mkdir(exist_ok=True)
        with steps.step("read"):
            # An hour of compiling is not lost on what a server refuses.
            check_scheduler(source.folder)
            variants = (source.files.variant,) if source.files.variant else ()
            files = find_model(source.folder, safety_checker=False, variants=variants)
            near = source.folder
            if is_remote(near):
                near = local_copy(near, files.files, task.work)
            # Anew for each size: what exports it changes it.
            pipe = read_pipeline(files, near, torch.float32)
        with steps.step("compile"):
            shape = {"batch_size": inputs.batch, "height": size.height, "width": size.width}
            export(pipe, near, into, target, **shape)
        del pipe
        if not inputs.edits:
            # Exported always.
            shutil.rmtree(into / "vae_encoder", ignore_errors=True)
        if source.safety_checker:
            copy_safety_checker(source, into)
        check_made(into, size, inputs, safety_checker=source.safety_checker)


def copy_safety_checker(source: ModelSource, folder: Path) -> None:
    """It runs on the CPU, in float32, under its plain name whatever its variant."""
    infix = f".{source.files.variant}." if source.files.variant else "."
    for name in source.files.files:
        path = PurePosixPath(name)
        if path.parts[0] in ("safety_checker", "feature_extractor"):
            into = folder / path.parent / path.name.replace(infix, ".", 1)
            into.parent.mkdir(exist_ok=True)
            shutil.copyfile(source.folder / name, into)


def check_made(folder: Path, size: Size, inputs: ArtefactInputs, *, safety_checker: bool) -> None:
    """Raises RuntimeError when it is not what was asked for: a server would refuse it."""
    made = find_artefact(folder, safety_checker=safety_checker)
    asked = (size, inputs.batch, inputs.edits)
    if (made.size, made.batch, made.edits) != asked:
        raise RuntimeError(f"{(made.size, made.batch, made.edits)} was made instead of {asked}")
