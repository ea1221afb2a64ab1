"""The packages that the container lacks, as wheels in the artefact."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING
from zipfile import ZipFile

if TYPE_CHECKING:
    from pathlib import Path


def unpack(wheels: Path, target: Path) -> None:
    """Into one folder to import from; nothing when it is there.

    A wheel's root goes into that folder as it is (PEP 427). What it has in `NAME.data` is left
    there: of ours, scripts alone.
    """
    if target.exists():
        return
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for wheel in sorted(wheels.glob("*.whl")):
        with ZipFile(wheel) as archive:
            archive.extractall(part)
    part.rename(target)
