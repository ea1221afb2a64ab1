"""The server's settings, from its environment: all that is missing or wrong is named at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from inference_server.errors import UserError
from inference_server.frameworks.framework import FrameworkName
from inference_server.job import Size

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

#: Variables whose value is never repeated, and that no other process than the server's is given.
SECRETS = frozenset({"API_KEYS"})

SIZE = re.compile(r"^(\d{2,4})x(\d{2,4})$")

#: Stable Diffusion's latents are an eighth of the image.
SIZE_STEP = 8


def parse_size(text: str) -> Size:
    """Of "512x768" (width, height). Raises ValueError that says what is allowed."""
    match = SIZE.match(text)
    size = match and Size(int(match[1]), int(match[2]))
    if not size or not all(
        side > 0 and side % SIZE_STEP == 0 for side in (size.width, size.height)
    ):
        raise ValueError(
            f"{text!r}: WIDTHxHEIGHT is wanted, in multiples of {SIZE_STEP}, e.g. 512x512"
        )
    return size


def _sizes(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(parse_size(text.strip()) for text in value.split(",") if text.strip())


def _switch(value: object) -> object:
    switches = {"on": True, "off": False}
    if isinstance(value, str):
        if value not in switches:
            raise ValueError(f"{value!r}: on or off is wanted")
        return switches[value]
    return value


Switch = Annotated[bool, BeforeValidator(_switch)]
Name = Annotated[str, Field(min_length=1, max_length=128)]


class Settings(BaseSettings):
    """Names are those of the environment variables, in capitals.

    On SageMaker, which sets none of the program's, the defaults are what its contract says.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    #: What runs the model.
    framework: FrameworkName
    #: Whether images are looked at before they are given away. It has no default: somebody decides.
    safety_checker: Switch

    #: The deployment unit; part of the metrics' names.
    unit: Name = "inference-server"
    model: Name = "model"
    accelerator: Name = "unknown"
    #: Devices of this pod: a worker process for each.
    devices: Annotated[int, Field(ge=1, le=64)] = 1
    #: Folder of the model, or of its compiled artefact. Source: SageMaker developer guide, "How
    #: SageMaker AI loads your model artifacts".
    model_path: Path = Path("/opt/ml/model")
    #: Hub id, `owner/name` or `owner/name@revision`; wins over the folder.
    model_id: str | None = None
    #: Whether every byte is compared with the hashes of the folder's manifest before it is read.
    verify_files: Switch = False
    lora_path: Path | None = None
    cache_path: Path = Path("/cache")

    #: Source: SageMaker developer guide, "How containers serve requests".
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    drain_seconds: Annotated[float, Field(gt=0, le=3600)] = 60
    #: After which a batch is taken for a device that hangs, and its process is replaced.
    longest_run_seconds: Annotated[float, Field(gt=0, le=86_400)] = 3600
    stack: Name = "local"
    #: None: nothing is published to CloudWatch.
    metric_namespace: str | None = None
    aws_region: str | None = None

    sizes: Annotated[tuple[Size, ...], NoDecode, BeforeValidator(_sizes)] = ()
    max_steps: Annotated[int, Field(ge=1, le=1000)] = 100
    #: Images in one call of the pipeline at most. None: what the framework thinks fits.
    max_batch: Annotated[int, Field(ge=1, le=64)] | None = None
    #: How long the first of a batch waits for others of its shape, while the device is free.
    batch_window_ms: Annotated[float, Field(ge=0, le=1000)] = 10
    #: Images that may wait; more are refused.
    queue_images: Annotated[int, Field(ge=1, le=10_000)] = 64

    #: `off`: whoever reaches the port may ask. `keys`: who has one of the API keys.
    auth: Literal["off", "keys"] = "off"
    #: JSON, see access/keys.py; or a file of it, which may change while the server runs.
    api_keys: SecretStr | None = None
    api_keys_file: Path | None = None
    log_prompts: Switch = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    #: Bucket of images that are asked for as URLs, and seconds for which a URL is good.
    url_bucket: str | None = None
    url_prefix: str = "images"
    url_seconds: Annotated[int, Field(ge=60, le=43_200)] = 3600

    @property
    def lora_folder(self) -> Path | None:
        return self.lora_path

    @property
    def cache_folder(self) -> Path:
        return self.cache_path


def read_settings(**given: Any) -> Settings:  # noqa: ANN401
    """Raises UserError that names each setting, its value, and what is allowed."""
    try:
        settings = Settings(**given)
    except ValidationError as error:
        problems = [_problem(each) for each in error.errors()]
        raise UserError("settings:\n  " + "\n  ".join(problems)) from None
    problems = _access_problems(settings)
    if settings.metric_namespace is not None and settings.aws_region is None:
        problems.append("AWS_REGION: is missing, and METRIC_NAMESPACE is set")
    if problems:
        raise UserError("settings:\n  " + "\n  ".join(problems))
    return settings


def _problem(error: ErrorDetails) -> str:
    name = ".".join(str(part) for part in error["loc"]).upper()
    if error["type"] == "missing":
        return f"{name}: is missing"
    if name in SECRETS:
        return f"{name}: is wrong: {error['msg']}"
    return f"{name}: {error['input']!r} is wrong: {error['msg']}"


def _access_problems(settings: Settings) -> list[str]:
    given = [
        name
        for name, value in (
            ("API_KEYS", settings.api_keys),
            ("API_KEYS_FILE", settings.api_keys_file),
        )
        if value is not None
    ]
    # Keys that nobody is asked for are a door that looks locked.
    if given and "auth" not in settings.model_fields_set:
        return [f"AUTH: is missing, and {given[0]} is set: keys or off is wanted"]
    if settings.auth == "keys" and not given:
        return ["API_KEYS, API_KEYS_FILE: are missing, one is wanted, and AUTH is keys"]
    if settings.auth == "keys" and len(given) > 1:
        return ["API_KEYS, API_KEYS_FILE: are both set, one is wanted"]
    return []
