"""OpenAI's images API: images from a text, and from a text and an image."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from inference_server.api.body import ImageForm, image_form, json_body
from inference_server.api.fields import EditFields, GenerationFields, read_fields
from inference_server.api.source_image import opened

if TYPE_CHECKING:
    from inference_server.access.admission import Admission
    from inference_server.api.making import Making

#: Of one image and its seed.
ITEM_SCHEMA = {
    "type": "object",
    "required": ["seed"],
    "properties": {
        "b64_json": {"type": "string", "description": "a file in base64"},
        "url": {"type": "string", "description": "of a file, good for a while"},
        "seed": {"type": "integer"},
        "flagged": {"type": "boolean", "description": "the safety checker has blackened it"},
    },
}

ANSWER_SCHEMA = {
    "type": "object",
    "required": ["created", "data", "model", "unit", "output_format"],
    "properties": {
        "created": {"type": "integer", "description": "seconds since 1970"},
        "data": {"type": "array", "items": ITEM_SCHEMA},
        "model": {"type": "string"},
        "unit": {"type": "string", "description": "the deployment unit that has made it"},
        "output_format": {"type": "string"},
    },
}

ERROR_SCHEMA = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}


def openapi_of(media_type: str, schema: dict[str, object]) -> dict[str, object]:
    """What FastAPI cannot see: bodies are read by hand, within their limits."""
    errors = {
        status: {"description": text, "content": {"application/json": {"schema": ERROR_SCHEMA}}}
        for status, text in {
            "4XX": "the request is wrong, or its tenant's limit is reached",
            "5XX": "another try may succeed, after Retry-After where it is given",
        }.items()
    }
    answer = {"description": "images", "content": {"application/json": {"schema": ANSWER_SCHEMA}}}
    return {
        "requestBody": {"required": True, "content": {media_type: {"schema": schema}}},
        "responses": {"200": answer, **errors},
    }


def with_image(schema: dict[str, object], image: dict[str, object]) -> dict[str, object]:
    """A schema of fields, and of an image beside them."""
    properties = schema["properties"]
    assert isinstance(properties, dict)
    return {**schema, "properties": {"image": image, **properties}}


async def image_problems(form: ImageForm) -> list[tuple[str, str]]:
    """What is wrong with the form's files, as far as can be seen without decoding pixels."""
    problems = list(form.problems)
    if form.image is not None:
        try:
            await asyncio.to_thread(opened, form.image)
        except ValueError as error:
            problems.append(("image", str(error)))
    return problems


def image_routes(making: Making, admission: Admission) -> APIRouter:
    """Both answer `{created, data: [{b64_json | url, seed}], model, unit, output_format}`."""
    routes = APIRouter()

    @routes.post(
        "/v1/images/generations",
        openapi_extra=openapi_of("application/json", GenerationFields.model_json_schema()),
    )
    async def generations(request: Request) -> Response:
        with admission.admitted(request.headers.get("authorization")) as tenant:
            given = await json_body(request)
            fields = read_fields(GenerationFields, given, making.allowed())
            return await making.make(request, tenant, fields)

    @routes.post(
        "/v1/images/edits",
        openapi_extra=openapi_of(
            "multipart/form-data",
            with_image(
                EditFields.model_json_schema(),
                {"type": "string", "format": "binary", "description": "PNG, JPEG or WebP"},
            ),
        ),
    )
    async def edits(request: Request) -> Response:
        with admission.admitted(request.headers.get("authorization")) as tenant:
            await making.check_room(request)
            form = await image_form(request)
            making.check_edits()
            problems = await image_problems(form)
            fields = read_fields(
                EditFields, form.texts, making.allowed(), texts=True, problems=problems
            )
            return await making.make(request, tenant, fields, form.image)

    return routes
