"""A folder of compiled Neuron graphs: what it was compiled for, from its configurations.

optimum-neuron 0.4 writes a folder for each part, with `model.neuron` (TorchScript around the
compiled graph) and `config.json`, whose `neuron` says compiler, device and input shapes
(`store_compilation_config`). Shapes are fixed: one size and one batch size. An artefact of several
sizes has such a folder for each, `WIDTHxHEIGHT`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from inference_server.errors import UserError
from inference_server.job import Size
from inference_server.loading.manifest import MANIFEST_NAME, verify
from inference_server.loading.pipeline_index import (
    ALLOWED,
    INDEX_NAME,
    PIPELINE_CLASSES,
    SMALL_SUFFIXES,
)
from inference_server.loading.safetensors_file import check_safetensors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

GRAPH_NAME = "model.neuron"

SIZE_FOLDER = re.compile(r"^(\d+)x(\d+)$")

#: Parts whose classes optimum-neuron imports as the index names them.
IMPORTED = ("tokenizer", "tokenizer_2", "scheduler", "feature_extractor")


@dataclass(frozen=True, slots=True)
class NeuronArtefact:
    folder: Path
    sdxl: bool
    size: Size
    batch: int
    #: Version of neuronx-cc.
    compiler_version: str
    #: As optimum-neuron names devices; `trn1` for inf2 too, which has the same cores.
    instance_type: str | None
    #: Whether it has graphs for image-to-image.
    edits: bool
    #: Those that are read, relative to the folder.
    files: tuple[str, ...]


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except ValueError as error:
        raise UserError(f"{file}: is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise UserError(f"{file}: an object is wanted")
    return content


def _imported_parts(index: dict[str, Any], index_file: Path) -> list[str]:
    """Those that the index names. Raises UserError for a class that is not allowed."""
    imported = []
    for part in IMPORTED:
        source = index.get(part)
        if not isinstance(source, list) or source[-1] is None:
            continue
        name = ".".join(map(str, source))
        if not re.fullmatch(ALLOWED[part], name):
            raise UserError(f"{index_file}: {part}: {name} is wrong, allowed: {ALLOWED[part]}")
        imported.append(part)
    return imported


def _read_files(folder: Path, wanted: Sequence[str]) -> list[str]:
    """Those that are wanted, and what libraries read beside them; relative, the index first."""
    files = [name for name in (INDEX_NAME, MANIFEST_NAME) if (folder / name).is_file()]
    for part in sorted({PurePosixPath(name).parent.as_posix() for name in wanted}):
        inside = sorted(file for file in (folder / part).iterdir() if file.is_file())
        names = [f"{part}/{file.name}" for file in inside if file.suffix in SMALL_SUFFIXES]
        files += [*names, *(name for name in wanted if name.startswith(f"{part}/"))]
    # In order, each once.
    return list(dict.fromkeys(files))


def find_artefact(folder: Path, *, safety_checker: bool) -> NeuronArtefact:
    """Raises UserError that names all that is missing, or that does not belong together."""
    if not folder.is_dir():
        raise UserError(f"MODEL_PATH: {folder}: there is no such folder")
    index_file = folder / INDEX_NAME
    if not index_file.is_file():
        raise UserError(f"{index_file}: is missing; a folder that `compile` has written is wanted")
    index = _json(index_file)
    pipeline = str(index.get("_class_name")).removeprefix("Neuron")
    if pipeline not in PIPELINE_CLASSES:
        raise UserError(
            f"{index_file}: _class_name: {index.get('_class_name')!r}: "
            f"one of {', '.join(PIPELINE_CLASSES)} is wanted"
        )
    sdxl = pipeline == "StableDiffusionXLPipeline"
    if safety_checker and sdxl:
        raise UserError(f"SAFETY_CHECKER: on: {pipeline} has no safety checker in diffusers")
    imported = _imported_parts(index, index_file)
    graphs = ["unet", "text_encoder", "vae_decoder", *(["text_encoder_2"] if sdxl else [])]
    edits = (folder / "vae_encoder" / GRAPH_NAME).is_file()
    if edits:
        graphs.append("vae_encoder")
    wanted = [f"{part}/{name}" for part in graphs for name in (GRAPH_NAME, "config.json")]
    wanted += ["scheduler/scheduler_config.json", "tokenizer/vocab.json", "tokenizer/merges.txt"]
    if sdxl:
        wanted += ["tokenizer_2/vocab.json", "tokenizer_2/merges.txt"]
    if safety_checker:
        wanted += ["safety_checker/config.json", "safety_checker/model.safetensors"]
    # optimum-neuron reads it wherever the index names it.
    if safety_checker or "feature_extractor" in imported:
        wanted.append("feature_extractor/preprocessor_config.json")
    missing = [name for name in wanted if not (folder / name).is_file()]
    if missing:
        raise UserError(f"{folder}: these files are missing:\n  " + "\n  ".join(missing))
    if safety_checker:
        check_safetensors(folder / "safety_checker/model.safetensors")
    verify(folder, hashes=False)
    configs = {part: _json(folder / part / "config.json") for part in graphs}
    files = _read_files(folder, wanted)
    return _described(folder, configs, files, sdxl=sdxl, edits=edits)


def _described(
    folder: Path,
    configs: dict[str, dict[str, Any]],
    files: Sequence[str],
    *,
    sdxl: bool,
    edits: bool,
) -> NeuronArtefact:
    compiled: dict[str, dict[str, Any]] = {}
    for part, config in configs.items():
        neuron = config.get("neuron")
        if not isinstance(neuron, dict):
            raise UserError(f"{folder / part / 'config.json'}: neuron: is missing: not compiled")
        compiled[part] = neuron

    def same(key: str, parts: Sequence[str]) -> Any:  # noqa: ANN401 - as JSON has it
        values = {part: compiled[part].get(key) for part in parts}
        if len(set(map(str, values.values()))) != 1:
            each = ", ".join(f"{part} {value!r}" for part, value in values.items())
            raise UserError(f"{folder}: neuron.{key} differs: {each}; compile it with one for all")
        return values[parts[0]]

    try:
        # Each prompt of a batch is another one, so the text encoder takes as many as the UNet.
        batch = int(same("static_batch_size", list(configs)))
        height = int(compiled["unet"]["static_height"])
        width = int(compiled["unet"]["static_width"])
        blocks = len(configs["vae_decoder"]["block_out_channels"])
        compiler_version = str(compiled["unet"]["compiler_version"])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{folder}: the parts' config.json lack {error}: compile it again"
        ) from None
    same("compiler_version", list(configs))
    instance_type = same("instance_type", list(configs))
    scale = 2 ** (blocks - 1)
    return NeuronArtefact(
        folder=folder,
        sdxl=sdxl,
        size=Size(width * scale, height * scale),
        batch=batch,
        compiler_version=compiler_version,
        instance_type=instance_type,
        edits=edits,
        files=tuple(files),
    )


def find_artefacts(folder: Path, *, safety_checker: bool) -> tuple[NeuronArtefact, ...]:
    """One for each size, by width and then by height. Raises UserError as `find_artefact` does."""
    names = [each.name for each in folder.iterdir()] if folder.is_dir() else []
    sizes = sorted(
        (int(found[1]), int(found[2])) for found in map(SIZE_FOLDER.match, names) if found
    )
    if not sizes or INDEX_NAME in names:
        return (find_artefact(folder, safety_checker=safety_checker),)
    verify(folder, hashes=False)
    artefacts = []
    for width, height in sizes:
        size = Size(width, height)
        artefact = find_artefact(folder / str(size), safety_checker=safety_checker)
        if artefact.size != size:
            raise UserError(f"{artefact.folder}: was compiled for {artefact.size}")
        artefacts.append(artefact)
    if len({(each.sdxl, each.batch, each.edits, each.compiler_version) for each in artefacts}) != 1:
        raise UserError(
            f"{folder}: its sizes differ in more than size; compile it with one for all"
        )
    return tuple(artefacts)


def asked_of(
    artefacts: Sequence[NeuronArtefact], sizes: Sequence[Size], max_batch: int | None
) -> tuple[NeuronArtefact, ...]:
    """Those of `sizes`, in their order; all when none are asked for.

    Raises UserError when settings want what the graphs were not compiled for.
    """
    compiled = {artefact.size: artefact for artefact in artefacts}
    where, batch = artefacts[0].folder, artefacts[0].batch
    if any(size not in compiled for size in sizes):
        raise UserError(
            f"SIZES: {', '.join(map(str, sizes))}: {where} was compiled for "
            f"{', '.join(map(str, compiled))} only; compile it for these sizes, or leave SIZES out"
        )
    if max_batch is not None and max_batch > batch:
        raise UserError(
            f"MAX_BATCH: {max_batch}: {where} was compiled for batches of {batch}; compile it for "
            "more, or leave MAX_BATCH out"
        )
    return tuple(compiled[size] for size in sizes) if sizes else tuple(artefacts)


def check_device(artefact: NeuronArtefact, compiler_version: str, instance_type: str) -> None:
    """Raises UserError when the artefact is another SDK's or another device's than this pod's.

    `instance_type`: as optimum-neuron names the device here.
    """
    problems = []
    if artefact.compiler_version != compiler_version:
        problems.append(f"by neuronx-cc {artefact.compiler_version}, here is {compiler_version}")
    if artefact.instance_type is not None and artefact.instance_type != instance_type:
        problems.append(f"for {artefact.instance_type}, this is {instance_type}")
    if problems:
        raise UserError(
            f"{artefact.folder}: was compiled {' and '.join(problems)}; compile it again with this "
            "image, on this kind of machine"
        )
