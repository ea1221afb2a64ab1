"""`manifest.json` of an artefact: what it holds, of what it was made, and for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference_server.compiling.artefact_key import artefact_key, ordered
from inference_server.loading.manifest import (
    MANIFEST_NAME,
    Compiled,
    Manifest,
    ManifestFile,
    sha256_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from inference_server.compiling.artefact_key import ArtefactInputs


def write_manifest(
    folder: Path, inputs: ArtefactInputs, imported: Manifest, versions: Mapping[str, str]
) -> None:
    """Of all that is in `folder`; every byte is read. `imported`: that of the imported model."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    manifest = Manifest(
        model=inputs.model,
        framework=inputs.framework,
        source=imported.source,
        licence=imported.licence,
        files={
            file.relative_to(folder).as_posix(): ManifestFile.model_validate(
                {"sha256": sha256_of(file), "bytes": file.stat().st_size}
            )
            for file in files
        },
        compiled=Compiled(
            key=artefact_key(inputs),
            source=inputs.source,
            accelerator=inputs.accelerator,
            sizes=tuple(map(str, ordered(inputs.sizes))),
            batch=inputs.batch,
            edits=inputs.edits,
            compiler=inputs.compiler,
            versions=dict(versions),
        ),
    )
    text = manifest.model_dump_json(by_alias=True, exclude_none=True, indent=2)
    (folder / MANIFEST_NAME).write_text(f"{text}\n")
