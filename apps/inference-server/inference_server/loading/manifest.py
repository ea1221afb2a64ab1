"""`manifest.json`: what was put into a model's folder, so that one can tell whether it still is."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inference_server.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST_NAME = "manifest.json"
#: Large reads, in order: the folder may be a mounted bucket.
READ_BYTES = 16 * 1024 * 1024

_INSIDE = re.compile(r"^(?!/)(?!.*(^|/)\.\.(/|$)).+$")


class ManifestFile(BaseModel):
    model_config = ConfigDict(frozen=True)

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    #: Named `bytes` in the file.
    size_bytes: Annotated[int, Field(ge=0, alias="bytes")]


class Compiled(BaseModel):
    """For what an artefact of `inference-server compile` was made, and with what."""

    model_config = ConfigDict(frozen=True)

    #: Of all that follows, `versions` aside (compiling/artefact_key.py).
    key: Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
    #: Hash of the imported model.
    source: str
    #: EC2 family of the device.
    accelerator: str
    #: `WIDTHxHEIGHT`, by width and then by height.
    sizes: Annotated[tuple[str, ...], Field(min_length=1)]
    #: Images in one call.
    batch: Annotated[int, Field(ge=1)]
    #: Whether it makes images from images, too.
    edits: bool
    #: Version of neuronx-cc or torch, without its local part.
    compiler: str
    #: Of what compiled it, by package, with local parts; for people.
    versions: dict[str, str] = {}


class Manifest(BaseModel):
    """Paths are relative to the folder, with `/`."""

    model_config = ConfigDict(frozen=True)

    model: str
    framework: str | None = None
    #: Where it came from, and under which licence; for people.
    source: str | None = None
    licence: str | None = None
    files: dict[str, ManifestFile]
    #: None: it was imported as it is.
    compiled: Compiled | None = None


def read_manifest(folder: Path) -> Manifest | None:
    """None: the folder has none. Raises UserError when it cannot be read."""
    file = folder / MANIFEST_NAME
    if not file.is_file():
        return None
    return parse_manifest(file.read_bytes(), str(file))


def parse_manifest(text: bytes, where: str) -> Manifest:
    """Raises UserError that says what is wrong with the one at `where`."""
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise UserError(f"{where}:\n  " + "\n  ".join(problems)) from None
    outside = [path for path in manifest.files if not _INSIDE.match(path)]
    if outside:
        raise UserError(f"{where}: files: {', '.join(outside)}: paths inside the folder are wanted")
    return manifest


def sha256_of(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb", buffering=0) as opened:
        while chunk := opened.read(READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def verify(folder: Path, *, hashes: bool) -> None:
    """Raises UserError that names every file that is not as the manifest says.

    Sizes always; contents (all bytes are read) with `hashes`. A folder without a manifest passes,
    unless `hashes` are asked for.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        if hashes:
            raise UserError(f"{folder / MANIFEST_NAME}: is missing, so nothing can be verified")
        return
    problems = []
    for path, wanted in sorted(manifest.files.items()):
        file = folder / path
        if not file.is_file():
            problems.append(f"{path}: is missing")
        elif (size := file.stat().st_size) != wanted.size_bytes:
            problems.append(f"{path}: has {size} bytes instead of {wanted.size_bytes}")
        elif hashes and sha256_of(file) != wanted.sha256:
            problems.append(f"{path}: its sha256 is not {wanted.sha256}")
    if problems:
        raise UserError(f"{folder} is not as {MANIFEST_NAME} says:\n  " + "\n  ".join(problems))
