"""What compiles for which framework, and in which version it is here; nothing heavy is imported."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Literal

CompiledFramework = Literal["neuron", "triton"]

#: The package whose version an artefact is bound to.
COMPILER_PACKAGES: dict[str, str] = {"neuron": "neuronx-cc", "triton": "torch"}

#: What an artefact's manifest tells of beside it.
PACKAGES: dict[str, tuple[str, ...]] = {
    "neuron": (
        "neuronx-cc",
        "torch",
        "torch-neuronx",
        "optimum-neuron",
        "diffusers",
        "transformers",
    ),
    "triton": ("torch", "triton", "diffusers", "transformers"),
}


def version_here(package: str) -> str | None:
    """Of an installed package, with its local part. None: it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def compiler_here(framework: str) -> str | None:
    """Version of a framework's compiler without its local part (`+…`). None: there is none here."""
    found = version_here(COMPILER_PACKAGES[framework])
    return None if found is None else found.partition("+")[0]


def versions_here(framework: str) -> dict[str, str]:
    """By package, of those that are installed."""
    found = {package: version_here(package) for package in PACKAGES[framework]}
    return {package: text for package, text in found.items() if text is not None}
