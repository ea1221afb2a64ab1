"""Whether an artefact may be served here: it was compiled for one kind of device, by one compiler.

What is wrong is said before a device is touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference_server.compiling.artefact_key import HASH
from inference_server.compiling.compilers import COMPILER_PACKAGES, compiler_here
from inference_server.errors import UserError
from inference_server.loading.manifest import MANIFEST_NAME, read_manifest
from inference_server.settings import parse_size

if TYPE_CHECKING:
    from inference_server.loading.manifest import Manifest
    from inference_server.settings import Settings


def mismatches(manifest: Manifest, settings: Settings, compiler: str | None) -> list[str]:
    """What it was compiled for, and what is here, for each that differs.

    `compiler`: version of the framework's compiler here. Of what nobody has told the server
    (SageMaker tells it no ACCELERATOR), nothing is said.
    """
    compiled = manifest.compiled
    if compiled is None:
        return []
    told = settings.model_fields_set
    problems = []
    if manifest.framework != settings.framework:
        problems.append(
            f"it was compiled for framework {manifest.framework}, and FRAMEWORK is "
            f"{settings.framework}"
        )
    elif compiler != compiled.compiler:
        package = COMPILER_PACKAGES[settings.framework]
        problems.append(
            f"it was compiled by {package} {compiled.compiler}, and "
            + (f"here is {package} {compiler}" if compiler else f"there is no {package} here")
        )
    if "accelerator" in told and compiled.accelerator != settings.accelerator:
        problems.append(
            f"it was compiled for accelerator {compiled.accelerator}, and ACCELERATOR is "
            f"{settings.accelerator}"
        )
    if "model" in told and manifest.model != settings.model:
        problems.append(f"it is of model {manifest.model}, and MODEL is {settings.model}")
    name = settings.model_path.name
    if HASH.match(name) and name != compiled.key:
        problems.append(f"its key is {compiled.key}, and its folder is {name}")
    return problems


def as_compiled(settings: Settings) -> Settings:
    """The settings, with sizes and largest batch of MODEL_PATH's artefact where nobody set them.

    The same settings where it holds none, or is not read (MODEL_ID). Raises UserError that says
    all that does not fit, or that what a hash names has no manifest.
    """
    manifest = None if settings.model_id is not None else read_manifest(settings.model_path)
    if manifest is None and settings.model_id is None and HASH.match(settings.model_path.name):
        raise UserError(
            f"MODEL_PATH: {settings.model_path}: there is no {MANIFEST_NAME}, which is stored "
            "last: it is not there yet, or not whole. It comes with `fleet model add`, or with the "
            "Job that compiles it (kubectl get jobs); this server looks again when it is restarted"
        )
    if manifest is None or manifest.compiled is None:
        return settings
    compiled = manifest.compiled
    known = settings.framework in COMPILER_PACKAGES
    compiler = compiler_here(settings.framework) if known else None
    problems = mismatches(manifest, settings, compiler)
    if problems:
        raise UserError(
            f"MODEL_PATH: {settings.model_path}: this artefact is not for this server:\n  "
            + "\n  ".join(problems)
            + "\nCompile the model for this unit (`inference-server compile`; the program does it "
            "where models.NAME.compile says so), or give MODEL_PATH the artefact that was"
        )
    return settings.model_copy(
        update={
            "sizes": settings.sizes or tuple(map(parse_size, compiled.sizes)),
            "max_batch": settings.max_batch or compiled.batch,
        }
    )
