"""The interface of what compiles for a framework, and which module does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from inference_server.compiling.artefact_key import ArtefactInputs
    from inference_server.compiling.compilers import CompiledFramework
    from inference_server.compiling.model_source import ModelSource
    from inference_server.loading.steps import Steps


@dataclass(frozen=True, slots=True)
class CompileTask:
    source: ModelSource
    inputs: ArtefactInputs
    #: Empty: for the artefact, whose manifest is written by who asks.
    folder: Path
    #: For what is not kept.
    work: Path


class Compiler(Protocol):
    """A module of this package has this at its top."""

    def compile_model(self, task: CompileTask, steps: Steps) -> None:
        """Writes the artefact's files.

        Raises UserError when the model, or what it is to be compiled for, is none that this can do.
        """


def module_of(framework: CompiledFramework) -> str:
    """Path of the module, which imports what takes seconds."""
    modules = {"neuron": "neuron_graphs", "triton": "triton_kernels"}
    return f"inference_server.compiling.{modules[framework]}"
