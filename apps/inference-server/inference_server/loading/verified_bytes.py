"""A file of an artefact that runs code when it is read: only as its manifest says."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from inference_server.errors import UserError
from inference_server.loading.manifest import MANIFEST_NAME, read_manifest

if TYPE_CHECKING:
    from pathlib import Path


def verified_bytes(folder: Path, name: str) -> bytes | None:
    """Those that were compared, so that nobody changes them in between.

    None: the folder is no artefact of `inference-server compile`, or its manifest has no such file.
    Raises UserError when the file is missing or another.
    """
    manifest = read_manifest(folder)
    wanted = manifest.files.get(name) if manifest is not None and manifest.compiled else None
    if wanted is None:
        return None
    file = folder / name
    if not file.is_file():
        raise UserError(f"{file}: is missing")
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != wanted.sha256:
        raise UserError(
            f"{file}: its sha256 is not {wanted.sha256}, as {MANIFEST_NAME} says; it is not read"
        )
    return content
