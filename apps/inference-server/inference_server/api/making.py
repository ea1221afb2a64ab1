"""From checked fields to an answer: jobs, images, files."""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from fastapi.responses import Response
from pydantic_core import to_json

from inference_server import __version__
from inference_server.api.api_error import ApiError
from inference_server.api.body import drop_body
from inference_server.api.exchange import exchange_of
from inference_server.api.fields import (
    AUTO,
    SEEDS,
    Allowed,
    EditFields,
    GenerationFields,
    check_model,
    size_of,
)
from inference_server.api.picture_file import MEDIA_TYPES, picture_file
from inference_server.api.source_image import source_picture
from inference_server.api.unless_gone import unless_gone
from inference_server.errors import NotReadyError, QueueFullError
from inference_server.job import ImageJob, Shape, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from inference_server.api.fields import OutputFormat
    from inference_server.api.url_store import UrlStore
    from inference_server.job import Made, ModelFacts, Picture
    from inference_server.scheduling.images import Images
    from inference_server.settings import Settings

#: A pod that loads says so to probes; a client that reaches it all the same may ask another one.
LOADING_RETRY_SECONDS = 10

#: Images that are decoded at once: one of 4096x4096 takes some 200 MB on its way.
DECODED_AT_ONCE = 2


def jobs_of(
    fields: GenerationFields, facts: ModelFacts, size: Size, source: Picture | None, seed: int
) -> list[ImageJob]:
    """One for each image, with seeds that follow each other."""
    shape = Shape(
        size=size,
        steps=facts.default_steps if fields.steps is None else fields.steps,
        guidance=facts.default_guidance if fields.guidance is None else fields.guidance,
        lora=fields.lora,
        strength=fields.strength if isinstance(fields, EditFields) else None,
    )
    return [
        ImageJob(shape, fields.prompt, fields.negative_prompt, (seed + index) % SEEDS, source)
        for index in range(fields.n)
    ]


@dataclass(frozen=True)
class ImageFile:
    """An image as it is given away."""

    data: bytes
    media_type: str
    seed: int
    flagged: bool


class Making:
    """What all requests for images have in common."""

    def __init__(self, settings: Settings, images: Images, url_store: UrlStore | None) -> None:
        self._settings = settings
        self._images = images
        self._url_store = url_store
        self._decoding = asyncio.Semaphore(DECODED_AT_ONCE)

    def allowed(self) -> Allowed:
        """Raises NotReadyError as long as no model is loaded: nothing can be checked."""
        facts = self._images.facts
        if facts is None:
            why = self._images.problem or "the model is being loaded"
            raise NotReadyError(why, LOADING_RETRY_SECONDS)
        return Allowed(facts, self._settings.max_steps, urls=self._url_store is not None)

    async def check_room(self, request: Request) -> None:
        """Before a body is read that may be in vain. Raises QueueFullError, NotReadyError."""
        try:
            self._images.room(1)
        except QueueFullError:
            await drop_body(request)
            raise

    def check_edits(self) -> None:
        """Raises ApiError where the model makes no images from images."""
        if not self.allowed().facts.edits:
            raise ApiError(
                400,
                "image: this model makes no images from images",
                "image",
                "edits_not_supported",
            )

    async def make(
        self, request: Request, tenant: str, fields: GenerationFields, image: bytes | None = None
    ) -> Response:
        """Images by `response_format`. Raises ClientGoneError, ApiError, and what `Images` does."""
        files, server_timing = await self.files(request, tenant, fields, image)
        urls: list[str] | None = None
        if fields.response_format == "url" and self._url_store is not None:
            puts = (self._url_store.put(file.data, file.media_type) for file in files)
            urls = await asyncio.gather(*puts)
        # In a thread: megabytes are written out.
        body = await asyncio.to_thread(self._body, files, urls, fields.output_format)
        exchange_of(request).images = len(files)
        return Response(
            body, media_type="application/json", headers={"server-timing": server_timing}
        )

    def _body(
        self, files: Sequence[ImageFile], urls: Sequence[str] | None, output_format: OutputFormat
    ) -> bytes:
        data: list[dict[str, object]] = []
        for index, file in enumerate(files):
            given = (
                {"b64_json": base64.b64encode(file.data).decode()}
                if urls is None
                else {"url": urls[index]}
            )
            flagged = {"flagged": True} if file.flagged else {}
            data.append({**given, "seed": file.seed, **flagged})
        return to_json(
            {
                "created": int(time.time()),
                "data": data,
                "model": self._settings.model,
                "unit": self._settings.unit,
                "output_format": output_format,
            }
        )

    async def files(
        self, request: Request, tenant: str, fields: GenerationFields, image: bytes | None
    ) -> tuple[Sequence[ImageFile], str]:
        """The images' files, and the value of `server-timing`. Whoever gives them counts them.

        An image that the safety checker has blackened is marked; when that is all of them, there
        is no answer but ApiError 400, as at OpenAI's.
        """
        check_model(fields.model, self._settings.model)
        facts = self.allowed().facts
        source = None if image is None else await self._source(request, fields, facts, image)
        size = Size(source.width, source.height) if source else size_of(fields.size, facts.sizes)
        seed = secrets.randbelow(SEEDS) if fields.seed is None else fields.seed
        jobs = jobs_of(fields, facts, size, source, seed)
        exchange = exchange_of(request)
        exchange.fields |= self._log_fields(tenant, jobs)
        made = await unless_gone(request.receive, self._images.make(jobs, tenant))
        if all(each.flagged for each in made):
            raise ApiError(
                400,
                "prompt: the safety checker has withheld the image; another prompt or seed may do",
                "prompt",
                "content_policy_violation",
            )
        since = time.perf_counter()
        files = await asyncio.gather(
            *(
                asyncio.to_thread(self._file, job, each, fields)
                for job, each in zip(jobs, made, strict=True)
            )
        )
        seconds = {
            "queue": max(each.queue_seconds for each in made),
            "run": max(each.run_seconds for each in made),
            "encode": time.perf_counter() - since,
        }
        exchange.fields |= {f"{name}_seconds": round(each, 6) for name, each in seconds.items()}
        return files, ", ".join(f"{name};dur={1000 * each:.1f}" for name, each in seconds.items())

    async def _source(
        self, request: Request, fields: GenerationFields, facts: ModelFacts, image: bytes
    ) -> Picture:
        wanted = None if fields.size == AUTO else size_of(fields.size, facts.sizes)
        self._images.room(fields.n)
        # Only the wait ends with the client: a thread that decodes cannot be stopped, and has to
        # count as long as it takes memory.
        await unless_gone(request.receive, self._decoding.acquire())
        try:
            # The queue may have filled meanwhile.
            self._images.room(fields.n)
            return await asyncio.to_thread(source_picture, image, wanted, facts.sizes)
        except ValueError as error:
            raise ApiError(400, f"image: {error}", "image", "invalid_image") from None
        finally:
            self._decoding.release()

    def _file(self, job: ImageJob, made: Made, fields: GenerationFields) -> ImageFile:
        shape = job.shape
        facts = {
            "Software": f"inference-server {__version__}",
            "model": self._settings.model,
            "unit": self._settings.unit,
            "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "seed": str(job.seed),
            "size": str(shape.size),
            "steps": str(shape.steps),
            "guidance": str(shape.guidance),
        }
        if shape.lora is not None:
            facts["lora"] = shape.lora
        if shape.strength is not None:
            facts["strength"] = str(shape.strength)
        if self._settings.log_prompts:
            facts |= {"prompt": job.prompt, "negative_prompt": job.negative_prompt}
        kind = fields.output_format
        data = picture_file(made.picture, kind, fields.output_compression, facts)
        return ImageFile(data, MEDIA_TYPES[kind], job.seed, made.flagged)

    def _log_fields(self, tenant: str, jobs: Sequence[ImageJob]) -> dict[str, object]:
        job = jobs[0]
        told: dict[str, object] = {
            "tenant": tenant,
            "n": len(jobs),
            "size": str(job.shape.size),
            "steps": job.shape.steps,
            "seed": job.seed,
        }
        if self._settings.log_prompts:
            told |= {"prompt": job.prompt, "negative_prompt": job.negative_prompt}
        return told
