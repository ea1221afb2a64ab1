"""The fields of a request for images: which there are, what they may be, what they stand for.

Source of OpenAI's: OpenAI API reference, "Create image" and "Create image edit". One of OpenAI's
that would change the image in a way that Stable Diffusion has no word for is taken with the value
that leaves it to the model, because clients send that by default (LangChain: `quality: standard`,
`style: vivid`); every other value is refused, and so is every field that is not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)

from inference_server.api.api_error import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic_core import ErrorDetails

    from inference_server.job import ModelFacts, Size

AUTO = "auto"

#: A seed is 32 bits.
SEEDS = 2**32

#: Problems that one message names.
PROBLEMS_SHOWN = 20

#: Fields whose value is never repeated, neither in an answer nor in a log.
PRIVATE_FIELDS = frozenset({"prompt", "negative_prompt", "image", "mask", "user"})

#: What people know from elsewhere, and why it is not here.
REASONS = {
    "mask": "masks are not supported: the whole image is made anew, as far as strength says",
    "image": "belongs to /v1/images/edits, as a file of a form",
    "strength": "belongs to /v1/images/edits, or to an image",
    "cfg_scale": "is called guidance here",
    "guidance_scale": "is called guidance here",
    "num_inference_steps": "is called steps here",
    "num_images_per_prompt": "is called n here",
    "width": "is part of size here, e.g. 512x512",
    "height": "is part of size here, e.g. 512x512",
}


@dataclass(frozen=True)
class Allowed:
    """What depends on the model and the server's settings."""

    facts: ModelFacts
    max_steps: int
    #: Whether images can be given as URLs.
    urls: bool


def _allowed(info: ValidationInfo) -> Allowed:
    assert isinstance(info.context, Allowed)
    return info.context


def _size(text: str, info: ValidationInfo) -> str:
    names = [AUTO, *(str(size) for size in _allowed(info).facts.sizes)]
    if text not in names:
        raise ValueError(f"{' or '.join(names)} is wanted")
    return text


def _response_format(text: str, info: ValidationInfo) -> str:
    if text == "url" and not _allowed(info).urls:
        raise ValueError("this server keeps no images: b64_json is wanted")
    return text


def _steps(steps: int, info: ValidationInfo) -> int:
    if steps > _allowed(info).max_steps:
        raise ValueError(f"1 to {_allowed(info).max_steps} is wanted")
    return steps


def _lora(name: str, info: ValidationInfo) -> str:
    loras = _allowed(info).facts.loras
    if name not in loras:
        raise ValueError(f"{' or '.join(loras)} is wanted" if loras else "this model has none")
    return name


def _no_stream(stream: bool, _info: ValidationInfo) -> bool:
    if stream:
        raise ValueError("images are not streamed: false is wanted")
    return stream


def _output_compression(percent: int, info: ValidationInfo) -> int:
    # Some clients send OpenAI's default with every format.
    if info.data.get("output_format") == "png" and percent != FULL_QUALITY:
        raise ValueError("PNG has no quality: output_format jpeg or webp is wanted beside it")
    return percent


def _strength(strength: float, info: ValidationInfo) -> float:
    facts = _allowed(info).facts
    # Absent where the steps are wrong themselves.
    steps = info.data.get("steps", facts.default_steps) or facts.default_steps
    # As diffusers counts them; without one, its pipelines fail in ways that look like the device's.
    if int(steps * strength) < 1:
        raise ValueError(f"leaves none of {steps} steps: {1 / steps:.3g} or more is wanted")
    return strength


#: OpenAI's default of output_compression.
FULL_QUALITY = 100

OutputFormat = Literal["png", "jpeg", "webp"]
Prompt = Annotated[str, Field(max_length=4000)]


class GenerationFields(BaseModel):
    """Of `POST /v1/images/generations`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    prompt: Annotated[Prompt, Field(min_length=1, description="what the image shows")]
    model: Annotated[str | None, Field(description="the model of this server, or nothing")] = None
    n: Annotated[int, Field(ge=1, le=10, description="images")] = 1
    size: Annotated[
        str,
        AfterValidator(_size),
        Field(description="WIDTHxHEIGHT in pixels, one of the sizes of the model; or auto"),
    ] = AUTO
    response_format: Annotated[Literal["b64_json", "url"], AfterValidator(_response_format)] = (
        "b64_json"
    )
    output_format: OutputFormat = "png"
    output_compression: Annotated[
        int,
        Field(ge=0, le=100, description="the quality of JPEG and WebP"),
        AfterValidator(_output_compression),
    ] = FULL_QUALITY

    # Ours.
    seed: Annotated[
        int | None,
        Field(ge=0, lt=SEEDS, description="of the first image; each further one has the next"),
    ] = None
    steps: Annotated[int | None, Field(ge=1), AfterValidator(_steps)] = None
    guidance: Annotated[float | None, Field(ge=0, le=30)] = None
    negative_prompt: Annotated[Prompt, Field(description="what the image does not show")] = ""
    lora: Annotated[
        str | None, AfterValidator(_lora), Field(description="name of a LoRA adapter")
    ] = None

    # OpenAI's, with the values that change nothing.
    user: Annotated[str, Field(description="has no effect")] = ""
    safety_identifier: Annotated[str, Field(description="has no effect")] = ""
    quality: Literal["auto", "standard"] = "auto"
    style: Literal["vivid"] = "vivid"
    background: Literal["auto", "opaque"] = "auto"
    moderation: Literal["auto"] = "auto"
    stream: Annotated[bool, AfterValidator(_no_stream)] = False
    partial_images: Annotated[int, Field(ge=0, le=0)] = 0


class EditFields(GenerationFields):
    """Of `POST /v1/images/edits`, beside the image."""

    strength: Annotated[
        float,
        Field(gt=0, le=1, validate_default=True, description="how much of the image is given up"),
        AfterValidator(_strength),
    ] = 0.8
    input_fidelity: Literal["low"] = "low"


Fields = TypeVar("Fields", bound=GenerationFields)


def read_fields(
    kind: type[Fields],
    given: Mapping[str, object],
    allowed: Allowed,
    *,
    texts: bool = False,
    problems: Sequence[tuple[str, str]] = (),
) -> Fields:
    """What was asked for. `texts`: numbers are written out, as in a form.

    Raises ApiError 400, which names all that is wrong and the `problems` that are known already.
    """
    found = list(problems)
    codes = ["invalid_value"] * len(found)
    try:
        fields = kind.model_validate(given, strict=not texts, context=allowed)
    except ValidationError as error:
        for each in error.errors():
            found.append(_problem(each, kind))
            codes.append(CODES.get(each["type"], "invalid_value"))
    else:
        if not found:
            return fields
    shown = [f"{name}: {text}" for name, text in found[:PROBLEMS_SHOWN]]
    if len(found) > PROBLEMS_SHOWN:
        shown.append(f"and {len(found) - PROBLEMS_SHOWN} more")
    raise ApiError(400, "; ".join(shown), found[0][0], codes[0])


#: OpenAI's words for kinds of problems.
CODES = {"missing": "missing_required_parameter", "extra_forbidden": "unknown_parameter"}


def _problem(error: ErrorDetails, kind: type[GenerationFields]) -> tuple[str, str]:
    name = str(error["loc"][0])
    if error["type"] == "missing":
        return name, "is missing"
    if error["type"] == "extra_forbidden":
        shown = name if name.isidentifier() and len(name) <= 64 else repr(name[:64])
        known = ", ".join(kind.model_fields)
        return shown, REASONS.get(name, f"is not known; known are {known}")
    message = str(error.get("ctx", {}).get("error") or error["msg"])
    if name in PRIVATE_FIELDS:
        return name, message
    return name, f"{_short(error['input'])} is wrong: {message}"


def _short(value: object) -> str:
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    # An integer of JSON may have thousands of digits.
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def check_model(asked: str | None, model: str) -> None:
    """Raises ApiError 404, as OpenAI does for a model that it has not."""
    if asked is not None and asked != model:
        raise ApiError(
            404,
            f"model: {_short(asked)} is not here: {model} is",
            "model",
            "model_not_found",
        )


def size_of(name: str, sizes: Sequence[Size]) -> Size:
    """Of a checked name; `auto` is the first."""
    return next((size for size in sizes if str(size) == name), sizes[0])
