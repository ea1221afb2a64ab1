"""What is asked of a model, and what it gives: the words that all parts share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels: rows from the top, 3 bytes (red, green, blue) each, `width * height * 3` in all."""

    width: int
    height: int
    rgb: bytes


@dataclass(frozen=True, slots=True)
class Size:
    """In pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the images of one batch have in common: one call of a pipeline takes one of each."""

    size: Size
    steps: int
    guidance: float
    #: Name of a LoRA adapter.
    lora: str | None = None
    #: Of image-to-image: how much of the source is given up, above 0 and up to 1.
    #: None: text-to-image.
    strength: float | None = None


@dataclass(frozen=True, slots=True)
class ImageJob:
    """One image. A request for several is several jobs, with seeds that follow each other."""

    shape: Shape
    prompt: str
    negative_prompt: str
    #: 0 to 2**32 - 1. The same seed gives the same image, batched or not.
    seed: int
    #: Of image-to-image, in the shape's size.
    source: Picture | None = None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a loaded model can do."""

    #: Sizes that were warmed up, the default first; others are refused.
    sizes: tuple[Size, ...]
    #: Images in one call at most, at these sizes.
    max_batch: int
    #: LoRA adapters that may be asked for by name.
    loras: tuple[str, ...]
    #: Whether it makes images from images.
    edits: bool
    default_steps: int
    default_guidance: float


@dataclass(frozen=True, slots=True)
class Made:
    """An image, and how it came about."""

    picture: Picture
    #: Whether the safety checker has blackened it. False where there is none.
    flagged: bool
    queue_seconds: float
    #: Of the whole batch.
    run_seconds: float
    batch_size: int
