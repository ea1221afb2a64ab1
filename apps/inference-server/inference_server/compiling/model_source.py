"""The imported model that is compiled: found, and every byte compared with its manifest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference_server.errors import NotYetError, UserError
from inference_server.loading.manifest import MANIFEST_NAME, Manifest, read_manifest, verify
from inference_server.loading.model_files import ModelFiles, find_model
from inference_server.loading.pipeline_index import INDEX_NAME, SAFETY

if TYPE_CHECKING:
    from pathlib import Path

#: `fleet model add` takes them where every part has one.
VARIANTS = ("fp16",)


@dataclass(frozen=True, slots=True)
class ModelSource:
    folder: Path
    manifest: Manifest
    #: What a server reads, the safety checker too if there is one.
    files: ModelFiles
    safety_checker: bool


def _has_safety_checker(folder: Path) -> bool:
    """What is wrong with the index is said by who reads it."""
    try:
        index = json.loads((folder / INDEX_NAME).read_bytes())
        names = [(index.get(part) or [None, None])[-1] for part in SAFETY]
    except (OSError, ValueError, AttributeError, LookupError, TypeError):
        return False
    return index.get("_class_name") == "StableDiffusionPipeline" and all(names)


def find_source(folder: Path, model: str) -> ModelSource:
    """Raises UserError when it is another model's, or not as it was imported.

    Raises NotYetError when there is none, or not all of it. Reads all of it.
    """
    if not folder.is_dir():
        raise NotYetError(f"--from: {folder}: there is no such folder")
    manifest = read_manifest(folder)
    if manifest is None:
        raise NotYetError(
            f"--from: {folder / MANIFEST_NAME}: is missing; a whole import is wanted, as "
            "`fleet model add` stores it"
        )
    if manifest.compiled is not None:
        raise UserError(
            f"--from: {folder}: is an artefact of `compile`; what it was compiled from is wanted"
        )
    if manifest.model != model:
        raise UserError(f"--from: {folder}: is {manifest.model}, and --model is {model}")
    safety_checker = _has_safety_checker(folder)
    files = find_model(folder, safety_checker=safety_checker, variants=VARIANTS)
    unknown = sorted(set(files.files) - {MANIFEST_NAME} - set(manifest.files))
    if unknown:
        raise UserError(f"--from: {folder}: its manifest does not name {', '.join(unknown)}")
    verify(folder, hashes=True)
    return ModelSource(folder, manifest, files, safety_checker)
