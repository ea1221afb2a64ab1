"""What `inference-server compile` is asked for: its arguments, each checked by itself."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from inference_server.compiling.artefact_key import HASH, ArtefactInputs, ordered
from inference_server.compiling.compilers import CompiledFramework
from inference_server.errors import UserError
from inference_server.settings import parse_size

if TYPE_CHECKING:
    from inference_server.job import Size

#: A part of a path in the bucket.
NAME = re.compile(r"^[a-z0-9][a-z0-9.-]*$")
VERSION = re.compile(r"^\d+(\.\w+)*$")

#: The same as MAX_BATCH of the server's settings.
MOST_IMAGES = 64

#: Source: optimum-neuron 0.4.5, optimum/neuron/utils/instance.py, SUPPORTED_INSTANCE_TYPES.
NEURON_ACCELERATORS = ("inf2", "trn1", "trn1n", "trn2")

DESCRIPTION = """\
Compiles an imported model for one kind of device, in fixed shapes, and stores what comes out. Does
nothing when it is stored already. CACHE_PATH (default: the system's folder for temporary files) is
where it works, AWS_REGION the bucket's region."""

EPILOG = """\
The last part of --to has to be the artefact's key, the beginning of the SHA-256 of the other
arguments; the message for a wrong one says which it is. Exit status: 0 when the artefact is there,
2 when an argument or the model is wrong, 1 when anything else went wrong, or when the model or the
rights are not there yet."""


@dataclass(frozen=True, slots=True)
class CompileRequest:
    inputs: ArtefactInputs
    #: Folder of the imported model.
    source: Path
    #: `s3://BUCKET/PREFIX/KEY`, or a folder.
    target: str


def _matching(pattern: re.Pattern[str], wanted: str, text: str) -> str:
    if not pattern.match(text):
        raise argparse.ArgumentTypeError(f"{text!r}: {wanted} is wanted")
    return text


def _name(text: str) -> str:
    return _matching(NAME, "a name of lower-case letters, digits, '-' and '.'", text)


def _version(text: str) -> str:
    return _matching(VERSION, "a version without its local part, e.g. 2.8.0,", text)


def _target(text: str) -> str:
    wanted = "s3://BUCKET/PREFIX/KEY or a folder .../KEY"
    pattern = r"^s3://[a-z0-9][a-z0-9.-]+/([^/]+/)*[^/]+$" if "://" in text else r"."
    return _matching(re.compile(pattern), wanted, text.rstrip("/"))


def _sizes(text: str) -> tuple[Size, ...]:
    try:
        sizes = ordered(parse_size(each.strip()) for each in text.split(",") if each.strip())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not sizes:
        raise argparse.ArgumentTypeError(f"{text!r}: one size or more is wanted, e.g. 512x512")
    return sizes


def _batch(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_IMAGES:
        raise argparse.ArgumentTypeError(f"{text!r}: 1 to {MOST_IMAGES} is wanted")
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--framework", required=True, choices=get_args(CompiledFramework), help="what is to run it")
    add("--model", required=True, type=_name, help="the model's name, e.g. sd21")
    add("--accelerator", required=True, type=_name, help="EC2 family of the device, e.g. inf2, g5")
    add(
        "--from",
        required=True,
        dest="source",
        type=Path,
        metavar="FOLDER",
        help="the imported model, as `fleet model add` stores it; its name is the import's hash",
    )
    add(
        "--to",
        required=True,
        dest="target",
        type=_target,
        metavar="s3://BUCKET/PREFIX/KEY|FOLDER",
        help="where to; what is there already is left alone",
    )
    add(
        "--sizes",
        required=True,
        type=_sizes,
        metavar="WIDTHxHEIGHT[,…]",
        help="of images, in pixels, e.g. 512x512,768x768",
    )
    add("--batch", required=True, type=_batch, help=f"images in one call, 1 to {MOST_IMAGES}")
    add("--edits", action="store_true", help="for images from images, too")
    add(
        "--compiler",
        required=True,
        type=_version,
        metavar="VERSION",
        help="of neuronx-cc (neuron) or torch (triton), without local part; another one here is "
        "an error",
    )


def request_of(arguments: argparse.Namespace) -> CompileRequest:
    """Of parsed arguments. Raises UserError when they do not fit each other."""
    source = arguments.source
    if not HASH.match(source.name):
        raise UserError(
            f"--from: {source}: the last part of its path is {source.name!r}; the hash of an "
            "import, 16 hexadecimal digits, is wanted"
        )
    framework = cast("CompiledFramework", arguments.framework)
    if framework == "neuron" and arguments.accelerator not in NEURON_ACCELERATORS:
        raise UserError(
            f"--accelerator: {arguments.accelerator}: neuron compiles for one of "
            f"{', '.join(NEURON_ACCELERATORS)}"
        )
    inputs = ArtefactInputs(
        framework=framework,
        model=arguments.model,
        accelerator=arguments.accelerator,
        source=source.name,
        sizes=arguments.sizes,
        batch=arguments.batch,
        edits=arguments.edits,
        compiler=arguments.compiler,
    )
    return CompileRequest(inputs=inputs, source=source, target=arguments.target)
