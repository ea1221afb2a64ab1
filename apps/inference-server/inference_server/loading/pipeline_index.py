"""`model_index.json`: which pipeline a folder holds, and of which parts; only known ones."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

from inference_server.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

INDEX_NAME = "model_index.json"

PipelineClass = Literal["StableDiffusionPipeline", "StableDiffusionXLPipeline"]
PIPELINE_CLASSES: tuple[PipelineClass, ...] = get_args(PipelineClass)

#: `library.class` that each part may be. The index names classes that are imported, so whoever
#: writes it could name any.
ALLOWED = {
    "unet": r"diffusers\.UNet2DConditionModel",
    "vae": r"diffusers\.AutoencoderKL",
    "text_encoder": r"transformers\.CLIPTextModel",
    "text_encoder_2": r"transformers\.CLIPTextModelWithProjection",
    "tokenizer": r"transformers\.CLIPTokenizer(Fast)?",
    "tokenizer_2": r"transformers\.CLIPTokenizer(Fast)?",
    "scheduler": r"diffusers\.[A-Z]\w*Scheduler",
    "safety_checker": r"stable_diffusion\.StableDiffusionSafetyChecker",
    "feature_extractor": r"transformers\.CLIP(ImageProcessor|FeatureExtractor)",
}

NEEDED: dict[PipelineClass, frozenset[str]] = {
    "StableDiffusionPipeline": frozenset({"unet", "vae", "text_encoder", "tokenizer", "scheduler"}),
    "StableDiffusionXLPipeline": frozenset(
        {
            "unet",
            "vae",
            "text_encoder",
            "text_encoder_2",
            "tokenizer",
            "tokenizer_2",
            "scheduler",
        }
    ),
}

SAFETY = frozenset({"safety_checker", "feature_extractor"})

#: Parts that have weights, and the name under which their library saves them.
WEIGHTS = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
    "text_encoder_2": "model",
    "safety_checker": "model",
}


@dataclass(frozen=True, slots=True)
class PipelineIndex:
    pipeline: PipelineClass
    #: Names of the parts to be loaded, and so of their folders.
    parts: frozenset[str]


def parse_index(text: str, where: str, *, safety_checker: bool) -> PipelineIndex:
    """Raises UserError that says what is allowed.

    `safety_checker`: whether it is to be loaded; the model must have one then. Parts that no image
    needs (IP adapters' encoder) are left out.
    """
    try:
        index = json.loads(text)
    except ValueError as error:
        raise UserError(f"{where}: is not JSON: {error}") from None
    named = index.get("_class_name") if isinstance(index, dict) else None
    # optimum-neuron may save its own name for the same pipeline.
    pipeline = named.removeprefix("Neuron") if isinstance(named, str) else named
    if pipeline not in PIPELINE_CLASSES:
        raise UserError(
            f"{where}: _class_name: {named!r}: one of {', '.join(PIPELINE_CLASSES)} is wanted"
        )
    pipeline = cast("PipelineClass", pipeline)
    wanted = NEEDED[pipeline]
    if safety_checker:
        if pipeline != "StableDiffusionPipeline":
            raise UserError(
                f"SAFETY_CHECKER: on: {pipeline} has no safety checker in diffusers; set it off, "
                "or check images behind the server"
            )
        absent = sorted(part for part in SAFETY if (index.get(part) or [None, None])[1] is None)
        if absent:
            raise UserError(
                f"SAFETY_CHECKER: on: {where} names no {' and no '.join(absent)}; add the folders "
                "to the model, or set it off"
            )
        wanted |= SAFETY
    problems = []
    for part in sorted(wanted):
        source = index.get(part)
        name = ".".join(map(str, source)) if isinstance(source, list) else repr(source)
        if not re.fullmatch(ALLOWED[part], name):
            problems.append(f"{part}: {name} is wrong, allowed: {ALLOWED[part]}")
    if problems:
        raise UserError(f"{where}:\n  " + "\n  ".join(problems))
    return PipelineIndex(pipeline=pipeline, parts=wanted)


def read_index(folder: Path, *, safety_checker: bool) -> PipelineIndex:
    """Of a folder. Raises UserError, also when it has none."""
    file = folder / INDEX_NAME
    if not file.is_file():
        pickles = sorted(each.name for each in folder.glob("*") if each.suffix in PICKLE_SUFFIXES)
        more = f"; {', '.join(pickles)}: pickle files are not loaded" if pickles else ""
        raise UserError(
            f"{file}: is missing; a folder as diffusers' save_pretrained writes it is wanted{more}"
        )
    return parse_index(file.read_text(), str(file), safety_checker=safety_checker)


#: Files that run code when they are read.
PICKLE_SUFFIXES = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl"})

#: What libraries read beside weights: configurations, vocabularies.
SMALL_SUFFIXES = frozenset({".json", ".txt", ".model"})
