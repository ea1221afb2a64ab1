"""Keeps images for which a URL was asked."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from inference_server.settings import Settings


class UrlStore(Protocol):
    """Where images wait for whoever has their URL."""

    async def put(self, data: bytes, media_type: str) -> str:
        """Keeps a file, and gives a URL that is good for a while."""


class S3Client(Protocol):
    """Of boto3's, which has no types."""

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> object: ...  # noqa: N803

    def generate_presigned_url(
        self,
        ClientMethod: str,  # noqa: N803
        Params: dict[str, str],  # noqa: N803
        ExpiresIn: int,  # noqa: N803
    ) -> str: ...


def key_of(prefix: str, media_type: str, now: datetime, name: uuid.UUID) -> str:
    """`PREFIX/YYYY/MM/DD/UUID.png`: a day can be listed, and a lifecycle rule has the prefix."""
    suffix = media_type.removeprefix("image/")
    return "/".join(filter(None, [prefix.strip("/"), f"{now:%Y/%m/%d}", f"{name}.{suffix}"]))


class S3UrlStore:
    """A bucket of S3; encryption and expiry are the bucket's own settings.

    A URL is good for the given seconds, or until the credentials that signed it end: those of Pod
    Identity are renewed every few hours. Source: Amazon S3 user guide, "Expiration time for
    presigned URLs".
    """

    def __init__(self, client: S3Client, bucket: str, prefix: str, seconds: int) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._seconds = seconds

    async def put(self, data: bytes, media_type: str) -> str:
        return await asyncio.to_thread(self._put, data, media_type)

    def _put(self, data: bytes, media_type: str) -> str:
        key = key_of(self._prefix, media_type, datetime.now(timezone.utc), uuid.uuid4())
        self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=media_type)
        return self._client.generate_presigned_url(
            "get_object", {"Bucket": self._bucket, "Key": key}, self._seconds
        )


def url_store_of(settings: Settings) -> UrlStore | None:
    """None where no bucket is set. boto3 reads its credentials itself."""
    if settings.url_bucket is None:
        return None
    # Imported only here: it takes a while, and most servers give no URLs.
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    client: S3Client = boto3.client(
        "s3",
        region_name=settings.aws_region,
        # `virtual` names the region's own host. By default it is the global one, which redirects
        # to a new bucket's region for some hours, and a signature is good for one host only.
        config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    )
    return S3UrlStore(client, settings.url_bucket, settings.url_prefix, settings.url_seconds)
