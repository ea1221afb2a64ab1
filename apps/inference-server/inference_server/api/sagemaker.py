"""SageMaker's container contract.

`/ping` is readiness. `/invocations` takes what `/v1/images/generations` takes and, with `image` (a
file in base64), what `/v1/images/edits` takes. Source: SageMaker developer guide, "How containers
serve requests".

Access is as everywhere: with AUTH=keys an invocation needs a key. SageMaker does not hand on an
Authorization header, and IAM has checked its callers, so endpoints run with AUTH=off, the default.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from inference_server.api.api_error import ApiError
from inference_server.api.body import IMAGE_LIMIT_BYTES, json_body
from inference_server.api.exchange import exchange_of
from inference_server.api.fields import EditFields, GenerationFields, read_fields
from inference_server.api.image_routes import openapi_of, with_image
from inference_server.api.picture_file import MEDIA_TYPES
from inference_server.api.source_image import decoded_base64, opened

if TYPE_CHECKING:
    from inference_server.access.admission import Admission
    from inference_server.api.making import Making
    from inference_server.scheduling.images import Images

JSON = "application/json"

#: What is taken for "anything".
ANYTHING = ("", "*/*", "application/*")


def wanted_format(accept: str | None) -> str | None:
    """The `output_format` of raw bytes that Accept asks for; None: JSON. The first known wins.

    Raises ApiError 406.
    """
    formats = {media_type: name for name, media_type in MEDIA_TYPES.items()}
    for each in (accept or "").split(","):
        media_type = each.partition(";")[0].strip().lower()
        if media_type == JSON or media_type in ANYTHING:
            return None
        if media_type in formats:
            return formats[media_type]
        if media_type == "image/*":
            return "png"
    allowed = ", ".join([JSON, *formats])
    raise ApiError(
        406, f"accept: {(accept or '')[:100]!r} is wrong: one of {allowed} is wanted", "accept"
    )


async def _image(given: dict[str, object]) -> tuple[bytes | None, list[tuple[str, str]]]:
    """Takes it out of the fields; and what is wrong with it."""
    text = given.pop("image", None)
    if text is None:
        return None, []
    if not isinstance(text, str):
        return None, [("image", "a text is wanted, the image in base64")]
    try:
        data = await asyncio.to_thread(decoded_base64, text)
        await asyncio.to_thread(opened, data)
    except ValueError as error:
        return None, [("image", str(error))]
    return data, []


def _with_format(given: dict[str, object], output_format: str | None) -> list[tuple[str, str]]:
    """What Accept asks for, as fields; and what contradicts it."""
    if output_format is None:
        return []
    problems = []
    if given.setdefault("output_format", output_format) != output_format:
        problems.append(("output_format", f"is wrong: accept asks for {output_format}"))
    if given.get("n", 1) != 1:
        problems.append(("n", "is wrong: 1 is wanted where accept asks for an image"))
    if given.get("response_format", "b64_json") != "b64_json":
        problems.append(("response_format", "is wrong: accept asks for an image"))
    return problems


def sagemaker_routes(making: Making, admission: Admission, images: Images) -> APIRouter:
    """Answers JSON as the images API does, or the one image's bytes if Accept asks for them."""
    routes = APIRouter()

    @routes.get("/ping")
    async def ping() -> Response:
        return Response(status_code=200 if images.problem is None else 503)

    @routes.post(
        "/invocations",
        openapi_extra=openapi_of(
            JSON,
            with_image(
                EditFields.model_json_schema(),
                {"type": "string", "format": "byte", "description": "PNG, JPEG or WebP"},
            ),
        ),
    )
    async def invocations(request: Request) -> Response:
        with admission.admitted(request.headers.get("authorization")) as tenant:
            output_format = wanted_format(request.headers.get("accept"))
            await making.check_room(request)
            given = await json_body(request, IMAGE_LIMIT_BYTES, type_wanted=False)
            is_edit = "image" in given
            if is_edit:
                making.check_edits()
            image, problems = await _image(given)
            problems += _with_format(given, output_format)
            fields = read_fields(
                EditFields if is_edit else GenerationFields,
                given,
                making.allowed(),
                problems=problems,
            )
            if output_format is None:
                return await making.make(request, tenant, fields, image)
            files, server_timing = await making.files(request, tenant, fields, image)
            exchange_of(request).images = len(files)
            return Response(
                files[0].data,
                media_type=files[0].media_type,
                headers={"server-timing": server_timing},
            )

    return routes
