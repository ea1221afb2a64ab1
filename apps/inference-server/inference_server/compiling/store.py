"""Where artefacts are kept: a bucket of S3, or a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from inference_server.errors import UserError

if TYPE_CHECKING:
    from inference_server.loading.manifest import Manifest


class ArtefactStore(Protocol):
    """The place of one artefact. It is there when its manifest is."""

    def manifest(self) -> Manifest | None:
        """None: there is no whole artefact. Raises UserError when it cannot be read."""

    def put(self, folder: Path) -> None:
        """Stores what is in `folder`, a whole artefact, its manifest last.

        Nothing is wrong with another process that has stored one there meanwhile.
        """


def holds(store: ArtefactStore, target: str, key: str) -> bool:
    """Raises UserError when something else is there."""
    manifest = store.manifest()
    if manifest is None:
        return False
    if manifest.compiled is None or manifest.compiled.key != key:
        found = "an import" if manifest.compiled is None else f"artefact {manifest.compiled.key}"
        raise UserError(
            f"--to: {target}: {found} is there, not {key}; delete it, or give another place"
        )
    return True


def store_of(target: str, region: str | None) -> ArtefactStore:
    if target.startswith("s3://"):
        # Imported only here: boto3 takes a while.
        from inference_server.compiling.s3_store import S3ArtefactStore, s3_client  # noqa: PLC0415

        bucket, _, prefix = target.removeprefix("s3://").partition("/")
        return S3ArtefactStore(s3_client(region), bucket, prefix)
    from inference_server.compiling.folder_store import FolderArtefactStore  # noqa: PLC0415

    return FolderArtefactStore(Path(target))
