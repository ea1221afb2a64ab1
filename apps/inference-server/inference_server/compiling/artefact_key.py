"""The name of an artefact: the same for the same inputs, whoever compiles where."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inference_server.job import Size

#: Hexadecimal digits of a hash that names an artefact, or an import.
KEY_DIGITS = 16
HASH = re.compile(rf"^[0-9a-f]{{{KEY_DIGITS}}}$")


@dataclass(frozen=True, slots=True)
class ArtefactInputs:
    """All that decides what comes out."""

    framework: str
    model: str
    #: EC2 family of the device: inf2, g5.
    accelerator: str
    #: Hash of the imported model.
    source: str
    sizes: tuple[Size, ...]
    #: Images in one call.
    batch: int
    #: Whether it makes images from images, too.
    edits: bool
    #: Version of neuronx-cc or torch, without its local part.
    compiler: str


def ordered(sizes: Iterable[Size]) -> tuple[Size, ...]:
    """Each once, by width and then by height."""
    return tuple(sorted(set(sizes), key=lambda size: (size.width, size.height)))


def artefact_key(inputs: ArtefactInputs) -> str:
    """16 hexadecimal digits: the beginning of a SHA-256 of the inputs as JSON.

    Keys in alphabetical order, no blanks, UTF-8. The program computes the same
    (contracts/compiledArtefact.ts); both are tested with contracts/artefactKey.vectors.json.
    """
    canonical = json.dumps(
        {
            "accelerator": inputs.accelerator,
            "batch": inputs.batch,
            "compiler": inputs.compiler,
            "edits": inputs.edits,
            "framework": inputs.framework,
            "model": inputs.model,
            "sizes": [str(size) for size in ordered(inputs.sizes)],
            "source": inputs.source,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return hashlib.sha256(canonical.encode()).hexdigest()[:KEY_DIGITS]
