"""What the server and a worker's process say to each other: pickled, with the length in front.

Only the server's own code writes into that pipe, which no other process can open. What is said
has plain types only, so that the server never imports what a framework is made of.
"""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from inference_server.job import ImageJob, ModelFacts, Picture, Size
    from inference_server.loading.steps import Step

#: Of a message: its length in bytes.
HEADER = struct.Struct("!Q")


@dataclass(frozen=True, slots=True)
class Options:
    """Implements LoadOptions."""

    model_id: str | None
    verify_files: bool
    sizes: tuple[Size, ...]
    max_batch: int | None
    safety_checker: bool
    lora_folder: Path | None
    cache_folder: Path


@dataclass(frozen=True, slots=True)
class Load:
    """The first message to a worker's process."""

    #: Path of the framework's module.
    framework: str
    folder: Path
    options: Options
    #: Number of the lowest level of logging that is passed on.
    log_level: int
    utilisation_every_seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """Make a picture of each: answered by Drawn, Refused or Broken."""

    jobs: tuple[ImageJob, ...]


ToWorker = Load | Run


@dataclass(frozen=True, slots=True)
class StepBegan:
    name: Step


@dataclass(frozen=True, slots=True)
class StepEnded:
    name: Step
    seconds: float


@dataclass(frozen=True, slots=True)
class Loaded:
    facts: ModelFacts


@dataclass(frozen=True, slots=True)
class Unloadable:
    """A UserError's message."""

    message: str


@dataclass(frozen=True, slots=True)
class Drawn:
    pictures: tuple[tuple[Picture, bool], ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A JobRefusedError's message."""

    message: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Any other error's type and message. Its stack has been logged."""

    message: str


@dataclass(frozen=True, slots=True)
class Utilisation:
    """Of the device, 0 to 1."""

    value: float | None


@dataclass(frozen=True, slots=True)
class Logged:
    """Attributes of a LogRecord, as `logging.makeLogRecord` takes them."""

    record: dict[str, object]


FromWorker = (
    StepBegan | StepEnded | Loaded | Unloadable | Drawn | Refused | Broken | Utilisation | Logged
)


def packed(message: ToWorker | FromWorker) -> bytes:
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return HEADER.pack(len(body)) + body
