"""`inference-server compile`, in a process of its own; what it compiles with is a stand-in."""

from __future__ import annotations

import hashlib
import json
import signal
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
from compile_process import (
    LIMIT_SECONDS,
    SOURCE,
    CompileProcess,
    arguments,
    inputs,
    write_import_manifest,
)

from inference_server.compiling.artefact_key import artefact_key
from inference_server.compiling.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

STAND_IN = "compile_process"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    pytest.importorskip("torch", reason="torch is not installed")
    from tiny_models import save_tiny_sd  # noqa: PLC0415 - it needs torch

    folder = save_tiny_sd(tmp_path / "models" / "tiny" / "cuda" / SOURCE, safety_checker=True)
    write_import_manifest(folder)
    return folder


@pytest.fixture
def command(tmp_path: Path) -> CompileProcess:
    return CompileProcess(tmp_path / "cache")


def lines(said: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.splitlines()]


def nothing_is_left(command: CompileProcess, store: Path) -> bool:
    return not list(command.cache.glob("compile-*")) and not list(store.glob("*"))


def test_an_artefact_says_what_it_holds_and_what_it_was_made_of_and_for(
    source: Path, command: CompileProcess, tmp_path: Path
) -> None:
    asked = inputs(batch=2, edits=True)
    status, said = command.run(arguments(asked, source, f"{tmp_path}/store"), STAND_IN)
    assert status == 0, said
    (artefact,) = (tmp_path / "store").iterdir()
    manifest = json.loads((artefact / "manifest.json").read_text())
    files = {
        file.relative_to(artefact).as_posix(): {
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "bytes": file.stat().st_size,
        }
        for file in artefact.rglob("*")
        if file.is_file() and file.name != "manifest.json"
    }
    assert "safety_checker/model.safetensors" in files
    versions = manifest["compiled"].pop("versions")
    assert versions["torch"] == version("torch")
    assert set(versions) == {"torch", "triton", "diffusers", "transformers"}
    assert manifest == {
        "model": "tiny",
        "framework": "triton",
        "source": "owner/tiny@0123",
        "licence": "openrail++",
        "files": files,
        "compiled": {
            "key": artefact.name,
            "source": SOURCE,
            "accelerator": "g5",
            "sizes": ["64x64"],
            "batch": 2,
            "edits": True,
            "compiler": asked.compiler,
        },
    }
    assert artefact.name == artefact_key(asked)
    assert not list(command.cache.glob("compile-*"))
    timed = [line["step"] for line in lines(said) if "seconds" in line]
    assert timed == ["find", "import", "compile", "store"]


def test_again_it_does_nothing_and_imports_nothing_heavy(
    source: Path, command: CompileProcess, tmp_path: Path
) -> None:
    told = arguments(inputs(), source, f"{tmp_path}/store")
    assert command.run(told, STAND_IN)[0] == 0
    (artefact,) = (tmp_path / "store").iterdir()
    before = {file: file.stat().st_mtime_ns for file in artefact.rglob("*")}
    # Nothing of the model is read, nor is a device asked for.
    (source / "model_index.json").unlink()
    command.environment = {"PYTHONPROFILEIMPORTTIME": "1"}
    status, said = command.run(told)
    assert status == 0, said
    assert f"there already: {artefact}" in said
    assert {file: file.stat().st_mtime_ns for file in artefact.rglob("*")} == before
    imported = {line.rpartition("|")[2].strip() for line in said.splitlines() if "|" in line}
    assert "inference_server.compiling.compile" in imported
    assert not {"torch", "diffusers", "transformers", "boto3"} & imported


def test_a_place_with_another_name_is_refused_with_both(
    source: Path, command: CompileProcess, tmp_path: Path
) -> None:
    asked = inputs()
    told = arguments(asked, source, f"{tmp_path}/store")
    told[told.index("--batch") + 1] = "2"
    status, said = command.run(told)
    assert status == 2
    assert f"is '{artefact_key(asked)}'" in said
    assert f"is {artefact_key(inputs(batch=2))};" in said
    assert nothing_is_left(command, tmp_path / "store")


def test_another_compiler_is_refused_with_what_is_here_and_what_is_wanted(
    source: Path, command: CompileProcess, tmp_path: Path
) -> None:
    status, said = command.run(
        arguments(inputs(compiler="2.7.1"), source, f"{tmp_path}/store"), STAND_IN
    )
    assert status == 2
    here = version("torch").partition("+")[0]
    assert f"--compiler: 2.7.1: torch {here} is here, and torch 2.7.1 is wanted; run it in" in said
    asked = inputs(framework="neuron", accelerator="inf2", compiler="2.21.33363.0")
    status, said = command.run(arguments(asked, source, f"{tmp_path}/store"))
    assert status == 2
    assert "no neuronx-cc is here, and neuronx-cc 2.21.33363.0 is wanted" in said
    assert nothing_is_left(command, tmp_path / "store")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("changed", "unet/diffusion_pytorch_model.safetensors: its sha256 is not"),
        ("no manifest", "manifest.json: is missing; a whole import is wanted"),
        ("unnamed", "its manifest does not name unet/config.json"),
        ("another model", "is other, and --model is tiny"),
    ],
)
def test_an_import_that_is_not_as_it_was_imported_is_refused(
    source: Path, command: CompileProcess, tmp_path: Path, damage: str, message: str
) -> None:
    if damage == "changed":
        weights = source / "unet/diffusion_pytorch_model.safetensors"
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
    elif damage == "no manifest":
        (source / "manifest.json").unlink()
    elif damage == "unnamed":
        manifest = json.loads((source / "manifest.json").read_text())
        del manifest["files"]["unet/config.json"]
        (source / "manifest.json").write_text(json.dumps(manifest))
    else:
        write_import_manifest(source, "other")
    status, said = command.run(arguments(inputs(), source, f"{tmp_path}/store"), STAND_IN)
    # What is missing may come.
    assert status == (1 if damage == "no manifest" else 2), said
    assert message in said
    assert "Traceback" not in said
    assert nothing_is_left(command, tmp_path / "store")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--framework", "cuda", "choose from"),
        ("--sizes", "512", "'512': WIDTHxHEIGHT is wanted"),
        ("--batch", "65", "'65': 1 to 64 is wanted"),
        ("--compiler", "2.8.0+cu128", "a version without its local part"),
        ("--to", "gs://bucket/0123456789abcdef", "s3://BUCKET/PREFIX/KEY or a folder"),
        ("--from", "/models/tiny/cuda/latest", "'latest'; the hash of an import, 16 hex"),
    ],
)
def test_wrong_arguments_are_named_with_what_is_allowed(
    command: CompileProcess, tmp_path: Path, option: str, value: str, message: str
) -> None:
    told = arguments(inputs(), tmp_path / SOURCE, f"{tmp_path}/store")
    told[told.index(option) + 1] = value
    status, said = command.run(told)
    assert status == 2
    assert option in said
    assert message in said


def test_neuron_compiles_for_neuron_devices_only(command: CompileProcess, tmp_path: Path) -> None:
    asked = inputs(framework="neuron", accelerator="g5")
    status, said = command.run(arguments(asked, tmp_path / SOURCE, f"{tmp_path}/store"))
    assert status == 2
    assert "--accelerator: g5: neuron compiles for one of inf2, trn1, trn1n, trn2" in said


def test_without_a_device_the_kernels_of_no_gpu_are_made(
    source: Path, command: CompileProcess, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    status, said = command.run(arguments(inputs(), source, f"{tmp_path}/store"))
    assert status == 2, said
    assert "sees no NVIDIA GPU here" in said


def test_what_breaks_is_told_with_its_stack_and_leaves_nothing(
    source: Path, command: CompileProcess, tmp_path: Path
) -> None:
    told = arguments(inputs(), source, f"{tmp_path}/store")
    status, said = command.run(told, "no_such_module")
    assert status == 1
    assert "ModuleNotFoundError" in lines(said)[-1]["error"]
    assert nothing_is_left(command, tmp_path / "store")


def test_something_else_in_the_place_is_left_alone(
    source: Path, command: CompileProcess, tmp_path: Path
) -> None:
    told = arguments(inputs(), source, f"{tmp_path}/store")
    place = tmp_path / "store" / artefact_key(inputs())
    place.mkdir(parents=True)
    (place / "notes.txt").write_text("mine")
    status, said = command.run(told, STAND_IN)
    assert status == 2
    assert "is no artefact, and is not empty" in said
    write_import_manifest(place)
    status, said = command.run(told, STAND_IN)
    assert status == 2
    assert f"an import is there, not {place.name}" in said
    assert (place / "notes.txt").read_text() == "mine"


def test_sigterm_ends_it_and_nothing_is_left(
    source: Path, command: CompileProcess, tmp_path: Path
) -> None:
    (source / "hang").touch()
    process = command.start(arguments(inputs(), source, f"{tmp_path}/store"), STAND_IN)
    try:
        end = time.monotonic() + LIMIT_SECONDS
        while not (source / "hangs").exists():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=LIMIT_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 1, said
    assert "told to stop by SIGTERM" in said
    assert nothing_is_left(command, tmp_path / "store")


def test_a_step_that_takes_long_is_said_to_go_on(caplog: pytest.LogCaptureFixture) -> None:
    progress = Progress()
    with (
        caplog.at_level("INFO"),
        progress.going_on(every_seconds=0.01),
        progress.steps.step("compile"),
    ):
        end = time.monotonic() + 30
        while "compile goes on" not in caplog.text:
            assert time.monotonic() < end
            time.sleep(0.01)
    assert caplog.messages[-1] == "compile has ended"
