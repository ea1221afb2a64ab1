"""An artefact in a folder: it is written beside, and then renamed."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from inference_server.errors import UserError
from inference_server.loading.manifest import read_manifest

if TYPE_CHECKING:
    from inference_server.loading.manifest import Manifest


class FolderArtefactStore:
    """`ArtefactStore`."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def manifest(self) -> Manifest | None:
        found = read_manifest(self._target)
        if found is None and self._target.exists() and not self._is_empty():
            raise UserError(
                f"--to: {self._target}: is no artefact, and is not empty; delete it, or give "
                "another place"
            )
        return found

    def _is_empty(self) -> bool:
        return self._target.is_dir() and not any(self._target.iterdir())

    def put(self, folder: Path) -> None:
        parent = self._target.parent
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent, prefix=f".{self._target.name}.") as beside:
            whole = Path(beside) / self._target.name
            shutil.move(folder, whole)
            try:
                whole.rename(self._target)
            except OSError:
                # Another process was faster.
                if self.manifest() is None:
                    raise
