"""The interface of a framework, and which there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from inference_server.job import ImageJob, ModelFacts, Picture, Size
    from inference_server.loading.steps import Steps

FrameworkName = Literal["cpu", "cuda", "triton", "neuron"]


class LoadOptions(Protocol):
    """Of the server's settings, what loading wants to know."""

    @property
    def model_id(self) -> str | None:
        """Hub id that is used instead of the folder, `owner/name@revision`."""

    @property
    def verify_files(self) -> bool:
        """Whether every byte is compared with the manifest's hashes first."""

    @property
    def sizes(self) -> tuple[Size, ...]:
        """Sizes to be warmed up; none: the model's own."""

    @property
    def max_batch(self) -> int | None:
        """Images in one call at most. None: what the framework thinks fits."""

    @property
    def safety_checker(self) -> bool: ...

    @property
    def lora_folder(self) -> Path | None:
        """Folder of the LoRA adapters, `NAME.safetensors` each."""

    @property
    def cache_folder(self) -> Path:
        """Where compiled kernels may be kept."""


class Pipeline(Protocol):
    """A model on its device, warm."""

    @property
    def facts(self) -> ModelFacts: ...

    def generate(self, jobs: Sequence[ImageJob]) -> list[tuple[Picture, bool]]:
        """Makes a picture of each job, which all have one shape, and says whether it was flagged.

        Raises JobRefusedError for what the model cannot do. Every other error is taken for the
        accelerator's: the process is given up, and another one loads the model again.
        """


class Framework(Protocol):
    """A module of this package has these at its top."""

    def load(self, folder: Path, options: LoadOptions, steps: Steps) -> Pipeline:
        """Reads, places, compiles where it must, and warms up each size.

        Raises UserError when the folder does not hold a model that this framework can run.
        """

    def utilisation(self) -> float | None:
        """Of the device, 0 to 1, as its driver says. None: it does not."""


def module_of(name: FrameworkName) -> str:
    """Path of the framework's module, which only a worker imports: that may take seconds."""
    return f"inference_server.frameworks.{name}"
