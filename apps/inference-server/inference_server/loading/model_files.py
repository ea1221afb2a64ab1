"""Which files of a model the pipeline needs, from a folder or the hub; safetensors only."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from inference_server.errors import UserError
from inference_server.loading.manifest import MANIFEST_NAME, verify
from inference_server.loading.pipeline_index import (
    INDEX_NAME,
    PICKLE_SUFFIXES,
    SMALL_SUFFIXES,
    WEIGHTS,
    PipelineIndex,
    parse_index,
    read_index,
)
from inference_server.loading.safetensors_file import check_safetensors

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

#: owner/name, or owner/name@revision.
HUB_ID = re.compile(r"^([\w.-]+/[\w.-]+)(?:@([\w./-]+))?$")


@dataclass(frozen=True, slots=True)
class ModelFiles:
    folder: Path
    index: PipelineIndex
    #: `fp16`: the weights' file names have it. None: the plain ones.
    variant: str | None
    #: Relative to the folder, the index first.
    files: tuple[str, ...]


def weight_files(names: Iterable[str], part: str, variant: str | None) -> list[str]:
    """Of a model's file names, the safetensors of one part in one variant, sharded or not."""
    infix = f".{variant}" if variant else ""
    stem = re.escape(f"{part}/{WEIGHTS[part]}{infix}")
    pattern = re.compile(rf"{stem}(-\d{{5}}-of-\d{{5}})?\.safetensors")
    return sorted(name for name in names if pattern.fullmatch(name))


def pick_variant(
    names: Collection[str], index: PipelineIndex, variants: Sequence[str]
) -> str | None:
    """The first variant that every part with weights has; a mixture would surprise somebody."""
    parts = [part for part in index.parts if part in WEIGHTS]
    for variant in variants:
        if all(weight_files(names, part, variant) for part in parts):
            return variant
    return None


def needed_files(
    names: Collection[str], index: PipelineIndex, variant: str | None, where: str
) -> tuple[str, ...]:
    """Of a model's file names, those that the pipeline reads.

    Raises UserError that names parts without weights, and the pickle files that they have instead.
    """
    needed = [INDEX_NAME] + [name for name in (MANIFEST_NAME,) if name in names]
    problems = []
    for part in sorted(index.parts):
        inside = sorted(name for name in names if PurePosixPath(name).parent.as_posix() == part)
        small = [name for name in inside if PurePosixPath(name).suffix in SMALL_SUFFIXES]
        if not small:
            problems.append(f"{part}: has no files")
            continue
        # Indexes of other variants' shards name files that are not there.
        infix = f".{variant}" if variant else ""
        needed += [
            name
            for name in small
            if ".index." not in name or name.endswith(f".safetensors.index{infix}.json")
        ]
        if part not in WEIGHTS:
            continue
        weights = weight_files(names, part, variant)
        needed += weights
        if not weights:
            pickles = [name for name in inside if PurePosixPath(name).suffix in PICKLE_SUFFIXES]
            problems.append(
                f"{part}: {', '.join(pickles)}: pickle files are not loaded, since they run code; "
                "save it with safe_serialization=True"
                if pickles
                else f"{part}/{WEIGHTS[part]}{infix}.safetensors: is missing"
            )
    if problems:
        raise UserError(f"{where}:\n  " + "\n  ".join(problems))
    return tuple(needed)


def _check_shards(folder: Path, files: Sequence[str]) -> None:
    for name in files:
        if not re.search(r"\.safetensors\.index(\.\w+)?\.json$", name):
            continue
        try:
            shards = set(json.loads((folder / name).read_text())["weight_map"].values())
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UserError(f"{folder / name}: is no index of safetensors files") from None
        part = PurePosixPath(name).parent
        missing = sorted(shard for shard in shards if (part / str(shard)).as_posix() not in files)
        if missing:
            raise UserError(f"{folder / name}: names {', '.join(missing)}, which is missing")


def names_in(folder: Path) -> list[str]:
    """Of files in it and one level below, relative, with `/`: pipelines have no deeper ones."""
    return sorted(
        file.relative_to(folder).as_posix()
        for pattern in ("*", "*/*")
        for file in folder.glob(pattern)
        if file.is_file()
    )


def find_model(folder: Path, *, safety_checker: bool, variants: Sequence[str]) -> ModelFiles:
    """Finds what is needed and checks that it is whole, without reading the weights.

    `variants`: preferred ones, e.g. fp16. Raises UserError that names what is missing or damaged.
    """
    if not folder.is_dir():
        raise UserError(f"MODEL_PATH: {folder}: there is no such folder")
    index = read_index(folder, safety_checker=safety_checker)
    names = names_in(folder)
    variant = pick_variant(names, index, variants)
    files = needed_files(names, index, variant, str(folder))
    _check_shards(folder, files)
    for name in files:
        if name.endswith(".safetensors"):
            check_safetensors(folder / name)
        elif name.endswith(".json"):
            try:
                json.loads((folder / name).read_bytes())
            except ValueError as error:
                raise UserError(f"{folder / name}: is not JSON: {error}") from None
    verify(folder, hashes=False)
    return ModelFiles(folder=folder, index=index, variant=variant, files=files)


def parse_hub_id(text: str) -> tuple[str, str | None]:
    """Of `owner/name@revision`. Raises UserError."""
    match = HUB_ID.match(text)
    if not match:
        raise UserError(f"MODEL_ID: {text!r}: owner/name or owner/name@revision is wanted")
    return match[1], match[2]


def download(
    model_id: str, cache_folder: Path, *, safety_checker: bool, variants: Sequence[str]
) -> Path:
    """Folder of a hub's model: only the files that the pipeline needs. Token: HF_TOKEN.

    Raises UserError when there is no such model or revision, when it is gated, or when it is none
    that `find_model` would take. ConnectionError, or the hub's client's own, when it does not
    answer: another try may help.
    """
    name, revision = parse_hub_id(model_id)
    cache = cache_folder / "hub"
    try:
        # Pins what a branch's name means now, so that all files are of one commit.
        info = HfApi().model_info(name, revision=revision)
        file = hf_hub_download(name, INDEX_NAME, revision=info.sha, cache_dir=cache)
        index = parse_index(
            Path(file).read_text(), f"{model_id}/{INDEX_NAME}", safety_checker=safety_checker
        )
        names = [sibling.rfilename for sibling in info.siblings or []]
        files = needed_files(names, index, pick_variant(names, index, variants), model_id)
        return Path(
            snapshot_download(name, revision=info.sha, cache_dir=cache, allow_patterns=list(files))
        )
    except GatedRepoError:
        raise UserError(
            f"MODEL_ID: {model_id}: its owner gives access to who has accepted the licence; accept "
            "it, and give the token as HF_TOKEN"
        ) from None
    except RevisionNotFoundError:
        raise UserError(f"MODEL_ID: {model_id}: there is no such revision") from None
    except (RepositoryNotFoundError, HFValidationError):
        raise UserError(
            f"MODEL_ID: {model_id}: there is no such model, or HF_TOKEN may not see it"
        ) from None
    except LocalEntryNotFoundError as error:
        # Is an EntryNotFoundError too, and means that the hub does not answer for the file.
        raise ConnectionError(f"MODEL_ID: {model_id}: the hub does not answer: {error}") from error
    except EntryNotFoundError:
        raise UserError(f"MODEL_ID: {model_id}: has no {INDEX_NAME}") from None
