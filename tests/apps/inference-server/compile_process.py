"""`inference-server compile` as its container runs it, in a process of its own; and what it reads.

As a module for the command, this one compiles nothing and is done at once: it copies the model. Of
a source whose folder has a file `hang`, it is never done.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from inference_server.compiling.artefact_key import ArtefactInputs, artefact_key
from inference_server.job import Size
from inference_server.loading.manifest import MANIFEST_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from inference_server.compiling.compiler import CompileTask
    from inference_server.loading.steps import Steps

SOURCE = "5e7c2a1f0d9b8346"
LIMIT_SECONDS = 300.0

#: As `__main__` does, with another module than the framework's.
COMMAND = """
import argparse, sys
from inference_server.compiling.compile import compile_artefact
from inference_server.compiling.request import add_arguments, request_of
from inference_server.errors import UserError
parser = argparse.ArgumentParser()
add_arguments(parser)
try:
    sys.exit(compile_artefact(request_of(parser.parse_args()), {module!r}))
except UserError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
"""


def compile_model(task: CompileTask, steps: Steps) -> None:
    with steps.step("compile"):
        while (task.source.folder / "hang").exists():
            (task.source.folder / "hangs").touch()
            time.sleep(0.01)
        for name in task.source.files.files:
            if name != MANIFEST_NAME:
                (task.folder / name).parent.mkdir(exist_ok=True)
                shutil.copyfile(task.source.folder / name, task.folder / name)


def inputs(**other: Any) -> ArtefactInputs:
    """Of tests, with some values changed."""
    values: dict[str, Any] = {
        "framework": "triton",
        "model": "tiny",
        "accelerator": "g5",
        "source": SOURCE,
        "sizes": (Size(64, 64),),
        "batch": 1,
        "edits": False,
        "compiler": version("torch").partition("+")[0],
    }
    return ArtefactInputs(**{**values, **other})


def arguments(asked: ArtefactInputs, source: Path, to: str) -> list[str]:
    """Of the command line. `to`: without the key."""
    return [
        *("--framework", asked.framework),
        *("--model", asked.model),
        *("--accelerator", asked.accelerator),
        *("--from", str(source)),
        *("--to", f"{to}/{artefact_key(asked)}"),
        *("--sizes", ",".join(map(str, asked.sizes))),
        *("--batch", str(asked.batch)),
        *(["--edits"] if asked.edits else []),
        *("--compiler", asked.compiler),
    ]


def write_import_manifest(folder: Path, model: str = "tiny") -> None:
    """As `fleet model add` writes it."""
    files = {
        file.relative_to(folder).as_posix(): {
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "bytes": file.stat().st_size,
        }
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != MANIFEST_NAME
    }
    manifest = {
        "model": model,
        "framework": "cuda",
        "source": "owner/tiny@0123",
        "licence": "openrail++",
        "files": files,
    }
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest))


@dataclass
class CompileProcess:
    cache: Path
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, told: list[str], module: str | None = None) -> subprocess.Popen[str]:
        """`module`: None for the framework's own."""
        run = ["-m", "inference_server", "compile"]
        if module is not None:
            run = ["-c", COMMAND.format(module=module)]
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", *run, *told],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.cache),
                "OMP_NUM_THREADS": "1",
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                "CACHE_PATH": str(self.cache),
                **self.environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, told: list[str], module: str | None = None) -> tuple[int, str]:
        """Exit status, and all that it said."""
        process = self.start(told, module)
        try:
            said, _ = process.communicate(timeout=LIMIT_SECONDS)
        finally:
            process.kill()
        return process.returncode, said
