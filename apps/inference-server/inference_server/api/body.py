"""Reads bodies, within their limits and into what they should be."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic_core import from_json
from starlette.datastructures import UploadFile
from starlette.requests import Request

from inference_server.api.api_error import ApiError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Message

MIB = 2**20

#: Of a request with nothing but fields.
JSON_LIMIT_BYTES = 1 * MIB
#: Of a request with an image in it.
IMAGE_LIMIT_BYTES = 20 * MIB
#: Of one field of a form that is not a file: a prompt's 4000 characters, and room.
PART_LIMIT_BYTES = 64 * 1024
#: More than OpenAI and we have together; it bounds what an answer has to name.
FIELD_LIMIT = 100
FILE_LIMIT = 20

#: Of `,`, `[` and `{` in JSON, within texts too. Parsing takes as long as there are values, 3 s
#: for 20 MiB of `[],`, in which nothing else is answered; and each value but the first follows one
#: of these. Base64 has none of them, and two prompts of 4000 commas each are below it.
SEPARATOR_LIMIT = 10_000
#: JSON beyond it is parsed in a thread: a text of 20 MiB still takes up to 0.3 s.
PARSED_AT_ONCE_BYTES = 256 * 1024


def _check_type(request: Request, wanted: str, *, or_none: bool = False) -> None:
    given = request.headers.get("content-type")
    if or_none and given is None:
        return
    if (given or "").partition(";")[0].strip().lower() != wanted:
        shown = "none" if given is None else repr(given[:100])
        raise ApiError(
            415,
            f"content-type: {shown} is wrong: {wanted} is wanted",
            "content-type",
            "unsupported_content_type",
        )


def _too_large(limit_bytes: int) -> ApiError:
    return ApiError(
        413,
        f"the body is too large: {limit_bytes // MIB} MiB are allowed",
        None,
        "request_too_large",
    )


def limited(request: Request, limit_bytes: int) -> Request:
    """The same request, whose body ends in ApiError 413 as soon as it is beyond the limit."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit_bytes:
        raise _too_large(limit_bytes)
    read_bytes = 0

    async def receive() -> Message:
        nonlocal read_bytes
        message = await request.receive()
        read_bytes += len(message.get("body", b""))
        if read_bytes > limit_bytes:
            raise _too_large(limit_bytes)
        return message

    return Request(request.scope, receive)


async def drop_body(request: Request, limit_bytes: int = IMAGE_LIMIT_BYTES) -> None:
    """Before an answer that the body has no part in; returns at once where that may come early.

    Where the connection ends with the answer, uvicorn closes it while the client still sends: that
    is a reset, and the client, or the proxy before it, never sees the answer. Raises ApiError 413.
    """
    closes = "close" in request.headers.get("connection", "").lower()
    if closes or request.scope["http_version"] == "1.0":
        async for _ in limited(request, limit_bytes).stream():
            pass


async def json_body(
    request: Request, limit_bytes: int = JSON_LIMIT_BYTES, *, type_wanted: bool = True
) -> dict[str, object]:
    """An object, without its nulls: OpenAI's clients take null for absent.

    Raises ApiError 413, 415, 400.
    """
    _check_type(request, "application/json", or_none=not type_wanted)
    body = await limited(request, limit_bytes).body()
    if len(body) > PARSED_AT_ONCE_BYTES:
        content = await asyncio.to_thread(_parsed, body)
    else:
        content = _parsed(body)
    if not isinstance(content, dict):
        raise ApiError(400, "the body is wrong: a JSON object is wanted", None, "invalid_json")
    if len(content) > FIELD_LIMIT:
        raise ApiError(
            400,
            f"the body has {len(content)} fields: {FIELD_LIMIT} are allowed",
            None,
            "too_many_fields",
        )
    return {name: value for name, value in content.items() if value is not None}


def _parsed(body: bytes) -> object:
    separators = sum(body.count(each) for each in (b",", b"[", b"{"))
    if separators > SEPARATOR_LIMIT:
        raise ApiError(
            400,
            f"the body has too many values: of , [ and {{ {SEPARATOR_LIMIT} are allowed in all",
            None,
            "too_many_values",
        )
    try:
        # Its depth is bounded, unlike that of the standard library's.
        content: object = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise ApiError(400, f"the body is not JSON: {error}", None, "invalid_json") from None
    return content


@dataclass(frozen=True)
class ImageForm:
    """What an edit's form holds."""

    texts: dict[str, object]
    #: None: there is none, and `problems` says so.
    image: bytes | None
    #: Fields, and what is wrong with them.
    problems: Sequence[tuple[str, str]]


#: Of which the second is what OpenAI's clients send for a list of images.
IMAGE_FIELDS = ("image", "image[]")


async def image_form(request: Request) -> ImageForm:
    """Of multipart/form-data. Raises ApiError 413, 415, 400."""
    _check_type(request, "multipart/form-data")
    form = await limited(request, IMAGE_LIMIT_BYTES).form(
        max_files=FILE_LIMIT, max_fields=FIELD_LIMIT, max_part_size=PART_LIMIT_BYTES
    )
    try:
        texts: dict[str, object] = {}
        images: list[UploadFile] = []
        problems: list[tuple[str, str]] = []
        for name, value in form.multi_items():
            if name in IMAGE_FIELDS:
                if isinstance(value, UploadFile):
                    images.append(value)
                else:
                    problems.append(("image", "a file is wanted, not a text"))
            elif isinstance(value, UploadFile) and name != "mask":
                problems.append((name, "is a file: the only one wanted is image"))
            elif name in texts:
                problems.append((name, "is there more than once"))
            else:
                texts[name] = value if isinstance(value, str) else ""
        if len(images) > 1:
            problems.append(("image", f"{len(images)} images are too many: 1 is wanted"))
        elif not images and not any(name == "image" for name, _ in problems):
            problems.append(("image", "is missing"))
        image = await images[0].read() if len(images) == 1 else None
        return ImageForm(texts, image, problems)
    finally:
        await form.close()
