"""`inference-server compile`: finds, compiles, stores; or finds that it is there already."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from inference_server.compiling.artefact_key import artefact_key
from inference_server.compiling.compiler import CompileTask, module_of
from inference_server.compiling.compilers import COMPILER_PACKAGES, compiler_here, versions_here
from inference_server.compiling.progress import Progress
from inference_server.compiling.store import holds, store_of
from inference_server.errors import NotYetError, UserError
from inference_server.log import log_as_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inference_server.compiling.artefact_key import ArtefactInputs
    from inference_server.compiling.compiler import Compiler
    from inference_server.compiling.compilers import CompiledFramework
    from inference_server.compiling.request import CompileRequest
    from inference_server.compiling.store import ArtefactStore

logger = logging.getLogger(__name__)


def compile_artefact(request: CompileRequest, module: str | None = None) -> int:
    """Returns the exit status: 0 when the artefact is there, 1 when another try may go better.

    `module` is another one than that of the framework. Raises UserError when the arguments, this
    machine or the model are wrong.
    """
    inputs = request.inputs
    fields = {"app": "inference-server", "model": inputs.model, "framework": inputs.framework}
    log_as_json("info", fields)
    key = checked_key(request)
    try:
        _compile(request, key, module or module_of(cast("CompiledFramework", inputs.framework)))
    except NotYetError as error:
        logger.error("%s", error)  # noqa: TRY400 - what it says is all there is.
        return 1
    except UserError:
        raise
    except Exception:
        logger.exception("compiling has failed")
        return 1
    return 0


def checked_key(request: CompileRequest) -> str:
    """Raises UserError when the place has another name."""
    key = artefact_key(request.inputs)
    name = request.target.rpartition("/")[2]
    if name != key:
        raise UserError(
            f"--to: {request.target}: its last part is {name!r}, and the key of what is asked for "
            f"is {key}; put it there, or see which of the other options is not as it was meant"
        )
    return key


def check_compiler(inputs: ArtefactInputs) -> None:
    """Raises UserError when the compiler here is not the one that is asked for."""
    package, here = COMPILER_PACKAGES[inputs.framework], compiler_here(inputs.framework)
    if here != inputs.compiler:
        found = f"{package} {here} is" if here else f"no {package} is"
        raise UserError(
            f"--compiler: {inputs.compiler}: {found} here, and {package} {inputs.compiler} is "
            "wanted; run it in the image that has it, or ask for what this one has and store it "
            "under that key"
        )


def _compile(request: CompileRequest, key: str, module: str) -> None:
    inputs = request.inputs
    store = store_of(request.target, os.environ.get("AWS_REGION"))
    progress = Progress()
    steps = progress.steps
    with _work_folder() as work, progress.going_on():
        with steps.step("find"):
            there = holds(store, request.target, key)
            if not there:
                check_compiler(inputs)
                # Imported here and below: whoever runs it again has the answer at once.
                from inference_server.compiling.model_source import find_source  # noqa: PLC0415

                source = find_source(request.source, inputs.model)
        if there:
            logger.info("there already: %s", request.target, extra={"key": key})
            return
        with steps.step("import"):
            compiler = cast("Compiler", import_module(module))
        folder = work / "artefact"
        folder.mkdir()
        compiler.compile_model(CompileTask(source, inputs, folder, work), steps)
        with steps.step("store"):
            from inference_server.compiling.artefact_manifest import (  # noqa: PLC0415
                write_manifest,
            )

            write_manifest(folder, inputs, source.manifest, versions_here(inputs.framework))
            _store(store, folder, request.target, key)
        logger.info("stored: %s", request.target, extra={"key": key})


def _store(store: ArtefactStore, folder: Path, target: str, key: str) -> None:
    store.put(folder)
    if not holds(store, target, key):
        raise RuntimeError(f"{target} was stored, and is not there")


@contextmanager
def _work_folder() -> Iterator[Path]:
    """Below CACHE_PATH, for temporary files of libraries and compilers too.

    SIGTERM ends the process at once: a compiler may not come back to Python for an hour.
    """
    cache = os.environ.get("CACHE_PATH")
    if cache is not None:
        Path(cache).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="compile-", ignore_cleanup_errors=True) as w:
        work = Path(w)

        def stop(number: int, _frame: object) -> None:
            logger.warning("told to stop by %s; nothing is stored", signal.Signals(number).name)
            shutil.rmtree(work, ignore_errors=True)
            os._exit(1)

        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, stop)
        (work / "tmp").mkdir()
        os.environ["TMPDIR"] = tempfile.tempdir = str(work / "tmp")
        try:
            yield work
        finally:
            tempfile.tempdir = None
