"""An artefact in a bucket: files first, the manifest last, and only if there is none.

What was sent by a run that broke off does not count, and is sent again. One run stores at a time:
no two compile the same bytes, and the files of one would not be what the other's manifest says. Who
stores says so in an object of its own; if nothing came of it for half an hour, it has died.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from boto3.session import Session
from botocore.exceptions import ClientError

from inference_server.errors import NotYetError, UserError
from inference_server.loading.manifest import MANIFEST_NAME, parse_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from inference_server.loading.manifest import Manifest

logger = logging.getLogger(__name__)

#: Object that says who stores; contracts/compiledArtefact.ts has the name too.
STORING_NAME = "storing"

#: 20 GB take a few minutes.
STALE_SECONDS = 1800.0
LOOK_SECONDS = 10.0

#: Of a condition that does not hold, or of two writers at once. Source: Amazon S3 API reference,
#: PutObject.
WRITTEN_MEANWHILE = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


def s3_client(region: str | None) -> Any:  # noqa: ANN401 - boto3 has no types
    """With credentials that boto3 finds itself."""
    return Session().client("s3", region_name=region)


class S3ArtefactStore:
    """`ArtefactStore`. `prefix` has no `/` at its end."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401
        bucket: str,
        prefix: str,
        *,
        stale_seconds: float = STALE_SECONDS,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._stale_seconds = stale_seconds
        self._look_seconds = look_seconds

    def _place(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}/{name}"}

    def manifest(self) -> Manifest | None:
        where = f"s3://{self._bucket}/{self._prefix}/{MANIFEST_NAME}"
        place = self._place(MANIFEST_NAME)
        try:
            # Listed first: with s3:ListBucket on a prefix only, S3 forbids what is not there.
            listed = self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=place["Key"], MaxKeys=1
            )
            if not listed.get("Contents"):
                return None
            text = self._client.get_object(**place)["Body"].read()
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "NoSuchBucket":
                raise UserError(f"--to: s3://{self._bucket}: there is no such bucket") from None
            if code == "AccessDenied":
                # Rights that were given just now take some seconds to hold.
                raise NotYetError(
                    f"--to: {where}: access is denied; s3:ListBucket on the bucket and "
                    "s3:GetObject, s3:PutObject and s3:AbortMultipartUpload below the prefix are "
                    "wanted"
                ) from None
            raise
        return parse_manifest(text, where)

    def _may_store(self) -> bool:
        """Waits while another run stores. False: it has, and nothing is left to do."""
        place = self._place(STORING_NAME)
        while self.manifest() is None:
            try:
                self._client.put_object(**place, Body=uuid4().bytes, IfNoneMatch="*")
            except ClientError as error:
                if error.response["Error"]["Code"] not in WRITTEN_MEANWHILE:
                    raise
            else:
                return True
            if self._has_taken_over(place):
                return True
            logger.info("another run stores this artefact; waiting for it")
            time.sleep(self._look_seconds)
        return False

    def _has_taken_over(self, place: dict[str, str]) -> bool:
        """From a run of which nothing came. Of several that would, one does."""
        other = self._client.head_object(**place)
        age = datetime.now(UTC) - other["LastModified"]
        if age.total_seconds() < self._stale_seconds:
            return False
        try:
            self._client.put_object(**place, Body=uuid4().bytes, IfMatch=other["ETag"])
        except ClientError as error:
            if error.response["Error"]["Code"] not in WRITTEN_MEANWHILE:
                raise
            return False
        return True

    def put(self, folder: Path) -> None:
        if not self._may_store():
            return
        names = sorted(
            file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()
        )
        for name in names:
            if name != MANIFEST_NAME:
                self._client.upload_file(
                    str(folder / name),
                    **self._place(name),
                    ExtraArgs={"ChecksumAlgorithm": "SHA256"},
                )
        try:
            self._client.put_object(
                **self._place(MANIFEST_NAME),
                Body=(folder / MANIFEST_NAME).read_bytes(),
                ContentType="application/json",
                ChecksumAlgorithm="SHA256",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in WRITTEN_MEANWHILE or self.manifest() is None:
                raise
