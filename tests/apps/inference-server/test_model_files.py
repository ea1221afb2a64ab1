"""Only the files that are needed, only safetensors, and only whole ones."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import threading
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from tiny_models import save_tiny_sd, save_tiny_sdxl

from inference_server.errors import UserError
from inference_server.loading.local_copy import filesystem_type, local_copy
from inference_server.loading.manifest import verify
from inference_server.loading.model_files import find_model, needed_files, parse_hub_id
from inference_server.loading.pipeline_index import parse_index
from inference_server.loading.safetensors_file import check_safetensors


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_sd(tmp_path_factory.mktemp("sd"))


@pytest.fixture
def model(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


def refusal(folder: Path, **options: bool) -> str:
    with pytest.raises(UserError) as caught:
        find_model(folder, safety_checker=options.get("safety_checker", False), variants=())
    return str(caught.value)


def test_only_needed_files_are_found(model: Path) -> None:
    for stray in (
        "v1-5-pruned.ckpt",
        "v1-5-pruned.safetensors",
        "unet/diffusion_pytorch_model.bin",
        "unet/diffusion_pytorch_model.non_ema.safetensors",
        "unet/diffusion_flax_model.msgpack",
        "unet/model.onnx",
        "safety_checker/model.safetensors",
    ):
        (model / stray).parent.mkdir(exist_ok=True)
        (model / stray).write_bytes(b"stray")
    files = find_model(model, safety_checker=False, variants=()).files
    assert {file for file in files if not file.endswith((".json", ".txt"))} == {
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
        "text_encoder/model.safetensors",
    }
    assert "model_index.json" in files
    assert "tokenizer/vocab.json" in files


def test_a_variant_is_taken_when_every_part_has_it(tmp_path: Path) -> None:
    model = save_tiny_sdxl(tmp_path, variant="fp16")
    assert find_model(model, safety_checker=False, variants=("fp16",)).variant == "fp16"
    (model / "vae/diffusion_pytorch_model.fp16.safetensors").rename(
        model / "vae/diffusion_pytorch_model.safetensors"
    )
    with pytest.raises(UserError, match=r"unet/diffusion_pytorch_model\.safetensors: is missing"):
        find_model(model, safety_checker=False, variants=("fp16",))


def test_a_checkpoint_of_pickle_files_is_refused_by_name(tmp_path: Path) -> None:
    message = refusal(save_tiny_sd(tmp_path, safe=False))
    assert "unet/diffusion_pytorch_model.bin" in message
    assert "text_encoder/pytorch_model.bin" in message
    assert "pickle" in message


def test_a_single_pickle_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "v1-5-pruned.ckpt").write_bytes(b"\x80\x02")
    message = refusal(tmp_path)
    assert "model_index.json: is missing" in message
    assert "v1-5-pruned.ckpt" in message


def test_all_missing_files_are_named_at_once(model: Path) -> None:
    (model / "unet/diffusion_pytorch_model.safetensors").unlink()
    shutil.rmtree(model / "tokenizer")
    message = refusal(model)
    assert "unet/diffusion_pytorch_model.safetensors: is missing" in message
    assert "tokenizer: has no files" in message


def test_a_missing_shard_is_named(model: Path) -> None:
    unet = model / "unet"
    (unet / "diffusion_pytorch_model.safetensors").rename(
        unet / "diffusion_pytorch_model-00001-of-00002.safetensors"
    )
    shards = [f"diffusion_pytorch_model-0000{at}-of-00002.safetensors" for at in (1, 2)]
    (unet / "diffusion_pytorch_model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"a": shards[0], "b": shards[1]}})
    )
    assert f"names {shards[1]}, which is missing" in refusal(model)


@pytest.mark.parametrize("damage", ["truncated", "longer", "empty", "header", "length", "offsets"])
def test_a_damaged_file_is_named(model: Path, damage: str) -> None:
    file = model / "vae/diffusion_pytorch_model.safetensors"
    whole = file.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    file.write_bytes(
        {
            "truncated": whole[:-1],
            "longer": whole + b"\0",
            "empty": b"",
            "header": whole[:8] + b"\xff" * (header - 8) + whole[header:],
            "length": (2**63).to_bytes(8, "little") + whole[8:],
            "offsets": (2).to_bytes(8, "little") + b"[]" + whole[header:],
        }[damage]
    )
    assert str(file) in refusal(model)


def test_any_cut_of_a_file_is_noticed(model: Path, tmp_path: Path) -> None:
    whole = (model / "text_encoder/model.safetensors").read_bytes()
    cut = tmp_path / "cut.safetensors"
    for length in range(0, len(whole), 997):
        cut.write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"cut\.safetensors"):
            check_safetensors(cut)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"_class_name": "FluxPipeline"}, "StableDiffusionPipeline, StableDiffusionXLPipeline"),
        ({"_class_name": ["pipeline", "Mine"]}, "StableDiffusionPipeline"),
        ({"unet": ["os", "system"]}, "unet: os.system is wrong, allowed: diffusers"),
        ({"unet": ["my_unet", "UNet2DConditionModel"]}, "unet: my_unet"),
        ({"vae": [None, None]}, "vae: None.None"),
        ({"scheduler": ["diffusers", "DiffusionPipeline"]}, "scheduler: "),
    ],
    ids=str,
)
def test_classes_that_nobody_has_allowed_are_not_loaded(
    model: Path, changes: dict[str, object], words: str
) -> None:
    index = json.loads((model / "model_index.json").read_text())
    (model / "model_index.json").write_text(json.dumps({**index, **changes}))
    assert words in refusal(model)


def test_a_safety_checker_that_is_not_there_is_the_users_error(model: Path) -> None:
    assert "SAFETY_CHECKER: on" in refusal(model, safety_checker=True)


def manifest(model: Path) -> dict[str, dict[str, object]]:
    return {
        file.relative_to(model).as_posix(): {
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "bytes": file.stat().st_size,
        }
        for file in model.rglob("*")
        if file.is_file() and file.name != "manifest.json"
    }


def write_manifest(model: Path, files: object) -> None:
    (model / "manifest.json").write_text(json.dumps({"model": "tiny", "files": files}))


def test_a_manifest_finds_what_has_changed_since(model: Path) -> None:
    write_manifest(model, manifest(model))
    find_model(model, safety_checker=False, variants=())
    verify(model, hashes=True)
    merges = model / "tokenizer/merges.txt"
    merges.write_text("#version: 0.3\n")
    verify(model, hashes=False)
    with pytest.raises(UserError, match=r"tokenizer/merges\.txt: its sha256"):
        verify(model, hashes=True)
    merges.write_text("")
    assert "tokenizer/merges.txt: has 0 bytes" in refusal(model)


def test_a_manifest_names_no_files_outside(model: Path) -> None:
    entry = {"sha256": "0" * 64, "bytes": 1}
    for path in ("../secret", "/etc/passwd", "unet/../../secret"):
        write_manifest(model, {path: entry})
        with pytest.raises(UserError, match="inside the folder"):
            verify(model, hashes=True)


def test_nothing_to_verify_is_said(model: Path) -> None:
    with pytest.raises(UserError, match=r"manifest\.json: is missing"):
        verify(model, hashes=True)


def test_of_a_hub_only_needed_files_are_asked_for() -> None:
    index = json.dumps(
        {
            "_class_name": "StableDiffusionPipeline",
            "unet": ["diffusers", "UNet2DConditionModel"],
            "vae": ["diffusers", "AutoencoderKL"],
            "text_encoder": ["transformers", "CLIPTextModel"],
            "tokenizer": ["transformers", "CLIPTokenizer"],
            "scheduler": ["diffusers", "PNDMScheduler"],
            "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
            "feature_extractor": ["transformers", "CLIPImageProcessor"],
        }
    )
    names = [
        "README.md",
        "model_index.json",
        "v1-5-pruned.ckpt",
        "v1-5-pruned.safetensors",
        "scheduler/scheduler_config.json",
        "tokenizer/merges.txt",
        "tokenizer/vocab.json",
        "safety_checker/config.json",
        "safety_checker/model.safetensors",
        *(
            f"{part}/{name}"
            for part, stem in (
                ("unet", "diffusion_pytorch_model"),
                ("vae", "diffusion_pytorch_model"),
                ("text_encoder", "model"),
            )
            for name in (
                "config.json",
                f"{stem}.bin",
                f"{stem}.fp16.bin",
                f"{stem}.safetensors",
                f"{stem}.fp16.safetensors",
            )
        ),
    ]
    parsed = parse_index(index, "hub", safety_checker=False)
    assert set(needed_files(names, parsed, "fp16", "hub")) == {
        "model_index.json",
        "scheduler/scheduler_config.json",
        "tokenizer/merges.txt",
        "tokenizer/vocab.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.fp16.safetensors",
        "text_encoder/config.json",
        "text_encoder/model.fp16.safetensors",
    }


def test_a_hub_id_may_name_a_revision() -> None:
    assert parse_hub_id("owner/name") == ("owner/name", None)
    assert parse_hub_id("owner/name@1a2b") == ("owner/name", "1a2b")
    for wrong in ("name", "a/b/c", "owner/name@", "https://host/owner/name", "../up@x y"):
        with pytest.raises(UserError, match="MODEL_ID"):
            parse_hub_id(wrong)


MOUNTINFO = """\
22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/root rw
40 22 0:50 / /models ro,nosuid shared:2 - fuse mountpoint-s3 ro,user_id=0
41 22 259:3 / /models-old rw - xfs /dev/nvme1n1 rw
42 22 0:60 / /my\\040files rw - fuse.s3fs s3fs rw
"""


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/models/sd21/cuda", "fuse"),
        ("/models", "fuse"),
        ("/models-old/sd21", "xfs"),
        ("/modelsx", "ext4"),
        ("/my files/a", "fuse.s3fs"),
    ],
)
def test_a_mounted_bucket_is_told_from_a_disk(path: str, wanted: str) -> None:
    assert filesystem_type(path, MOUNTINFO) == wanted


def test_a_local_copy_has_the_files_and_is_made_once(model: Path, tmp_path: Path) -> None:
    files = find_model(model, safety_checker=False, variants=()).files
    near = local_copy(model, files, tmp_path / "cache")
    for file in files:
        assert (near / file).read_bytes() == (model / file).read_bytes()
    assert not list(near.rglob("*.part"))
    before = {file: (near / file).stat().st_ino for file in files}
    assert local_copy(model, files, tmp_path / "cache") == near
    assert {file: (near / file).stat().st_ino for file in files} == before
    find_model(near, safety_checker=False, variants=())


WEIGHTS = "unet/weights.safetensors"


def one_file(folder: Path, content: bytes) -> Path:
    (folder / "unet").mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(content)
    return folder


def test_a_file_that_has_changed_is_copied_again_though_its_size_has_not(tmp_path: Path) -> None:
    source = one_file(tmp_path / "source", b"old weights")
    near = local_copy(source, [WEIGHTS], tmp_path / "cache")
    one_file(source, b"new weights")
    os.utime(source / WEIGHTS, (1e9, 1e9))
    assert local_copy(source, [WEIGHTS], tmp_path / "cache") == near
    assert (near / WEIGHTS).read_bytes() == b"new weights"


def test_nothing_of_a_copy_outlives_its_manifest(tmp_path: Path) -> None:
    source = one_file(tmp_path / "source", b"old weights")
    os.utime(source / WEIGHTS, (1e9, 1e9))
    write_manifest(source, manifest(source))
    files = ["manifest.json", WEIGHTS]
    near = local_copy(source, files, tmp_path / "cache")
    one_file(source, b"new weights")
    # As a tool that restores times leaves it.
    os.utime(source / WEIGHTS, (1e9, 1e9))
    write_manifest(source, manifest(source))
    assert local_copy(source, files, tmp_path / "cache") == near
    verify(near, hashes=True)


def test_what_a_killed_copy_has_left_is_removed(tmp_path: Path) -> None:
    source = one_file(tmp_path / "source", b"weights")
    near = local_copy(source, [WEIGHTS], tmp_path / "cache")
    for name in ("weights.safetensors.part", "other.safetensors.17.part"):
        (near / "unet" / name).write_bytes(b"wei")
    local_copy(source, [WEIGHTS], tmp_path / "cache")
    assert [file.name for file in (near / "unet").iterdir()] == ["weights.safetensors"]


def test_of_several_workers_one_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = one_file(tmp_path / "source", b"weights")
    replaced: list[str] = []
    begun = threading.Event()
    go_on = threading.Event()
    utime = os.utime

    def slow(path: Path, ns: tuple[int, int]) -> None:
        replaced.append(path.name)
        begun.set()
        assert go_on.wait(60)
        utime(path, ns=ns)

    # The last thing that a copy does before it is there.
    monkeypatch.setattr(os, "utime", slow)
    workers = [
        threading.Thread(target=local_copy, args=(source, [WEIGHTS], tmp_path / "cache"))
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    assert begun.wait(60)
    # Time for the others to begin a copy of their own, if they did not wait.
    workers[-1].join(0.2)
    go_on.set()
    for worker in workers:
        worker.join(60)
    assert replaced == ["weights.safetensors.part"]


def stop_in_the_middle(source: Path, cache: Path) -> None:
    """In a process of its own, which dies with the lock and half a file."""
    os.utime = lambda *_, **__: os._exit(9)
    local_copy(source, [WEIGHTS], cache)


def test_a_worker_that_is_killed_while_it_copies_stops_no_other(tmp_path: Path) -> None:
    source = one_file(tmp_path / "source", b"weights")
    killed = multiprocessing.get_context("fork").Process(
        target=stop_in_the_middle, args=(source, tmp_path / "cache")
    )
    killed.start()
    killed.join(60)
    assert killed.exitcode == 9
    assert list((tmp_path / "cache").rglob("*.part"))
    near = local_copy(source, [WEIGHTS], tmp_path / "cache")
    assert (near / WEIGHTS).read_bytes() == b"weights"
    assert not list(near.rglob("*.part"))
