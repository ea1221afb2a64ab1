"""Artefacts in a bucket, of a server that plays S3."""

from __future__ import annotations

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from boto3.session import Session
from botocore.exceptions import ClientError
from compile_process import SOURCE, CompileProcess, arguments, inputs, write_import_manifest
from moto_server import CREDENTIALS, moto_server, why_no_moto

from inference_server.compiling.artefact_key import artefact_key
from inference_server.compiling.s3_store import S3ArtefactStore
from inference_server.compiling.store import holds
from inference_server.errors import NotYetError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(why_no_moto() is not None, reason=why_no_moto() or "")

KEY = "0123456789abcdef"
COMPILED = {
    "key": KEY,
    "source": SOURCE,
    "accelerator": "g5",
    "sizes": ["64x64"],
    "batch": 1,
    "edits": False,
    "compiler": "2.8.0",
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with moto_server() as found:
        yield found


def client(endpoint: str) -> Any:
    return Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="us-west-2"
    ).client("s3", endpoint_url=endpoint)


@pytest.fixture
def bucket(endpoint: str) -> str:
    name = f"fleet-{uuid4()}"
    client(endpoint).create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    return name


@pytest.fixture
def artefact(tmp_path: Path) -> Path:
    folder = tmp_path / "artefact"
    (folder / "unet").mkdir(parents=True)
    (folder / "unet" / "model.neuron").write_bytes(b"graph")
    (folder / "model_index.json").write_text("{}")
    manifest = {"model": "tiny", "framework": "triton", "files": {}, "compiled": COMPILED}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def objects(endpoint: str, bucket: str) -> dict[str, bytes]:
    s3 = client(endpoint)
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {
        each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed
    }


def test_an_artefact_in_a_bucket_is_made_once_and_then_found(
    endpoint: str, bucket: str, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    from tiny_models import save_tiny_sd  # noqa: PLC0415 - it needs torch

    source = save_tiny_sd(tmp_path / SOURCE)
    write_import_manifest(source)
    command = CompileProcess(
        tmp_path / "cache",
        {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "us-west-2",
        },
    )
    prefix = "models/tiny/triton"
    told = arguments(inputs(), source, f"s3://{bucket}/{prefix}")
    # With the slash that the program has at its end.
    told[told.index("--to") + 1] += "/"
    status, said = command.run(told, "compile_process")
    assert status == 0, said
    assert '"stored: ' in said
    there = objects(endpoint, bucket)
    place = f"{prefix}/{artefact_key(inputs())}"
    manifest = json.loads(there[f"{place}/manifest.json"])
    assert {f"{place}/{name}" for name in manifest["files"]} == set(there) - {
        f"{place}/manifest.json",
        f"{place}/storing",
    }
    (source / "model_index.json").unlink()
    status, said = command.run(told)
    assert status == 0, said
    assert "there already" in said
    assert objects(endpoint, bucket) == there


def test_what_broke_off_does_not_count_and_is_all_sent_again(
    endpoint: str, bucket: str, artefact: Path
) -> None:
    s3 = client(endpoint)

    def break_off(params: dict[str, Any], **_: Any) -> None:
        if "model.neuron" in str(params["url_path"]):
            raise ConnectionError

    s3.meta.events.register("before-call.s3.PutObject", break_off)
    with pytest.raises(ConnectionError):
        S3ArtefactStore(s3, bucket, KEY).put(artefact)
    assert set(objects(endpoint, bucket)) == {f"{KEY}/storing", f"{KEY}/model_index.json"}
    store = S3ArtefactStore(client(endpoint), bucket, KEY, stale_seconds=0)
    assert not holds(store, "place", KEY)
    # Half of something that a run has left.
    client(endpoint).put_object(Bucket=bucket, Key=f"{KEY}/unet/model.neuron", Body=b"gra")
    store.put(artefact)
    assert holds(store, "place", KEY)
    there = objects(endpoint, bucket)
    del there[f"{KEY}/storing"]
    assert there == {
        f"{KEY}/{file.relative_to(artefact).as_posix()}": file.read_bytes()
        for file in artefact.rglob("*")
        if file.is_file()
    }


def test_files_have_checksums_and_the_manifest_comes_last(
    endpoint: str, bucket: str, artefact: Path
) -> None:
    sent: list[tuple[str, bool]] = []
    s3 = client(endpoint)

    def note(params: dict[str, Any], **_: Any) -> None:
        headers = {name.lower() for name in params["headers"]}
        checked = {"x-amz-checksum-sha256", "x-amz-sdk-checksum-algorithm"} & headers
        sent.append((str(params["url_path"]).rpartition("/")[2], bool(checked)))

    s3.meta.events.register("before-call.s3.PutObject", note)
    S3ArtefactStore(s3, bucket, KEY).put(artefact)
    assert sent == [
        ("storing", False),
        ("model_index.json", True),
        ("model.neuron", True),
        ("manifest.json", True),
    ]


def test_of_two_writers_one_stores_and_the_other_waits_and_leaves_it_whole(
    endpoint: str, bucket: str, artefact: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(artefact, other)
    (other / "unet" / "model.neuron").write_bytes(b"other bytes")
    slow = client(endpoint)
    begun, wanted = threading.Event(), threading.Event()

    def hold_up(params: dict[str, Any], **_: Any) -> None:
        if "model.neuron" in str(params["url_path"]):
            begun.set()
            assert wanted.wait(60)

    slow.meta.events.register("before-call.s3.PutObject", hold_up)
    second = S3ArtefactStore(client(endpoint), bucket, KEY, look_seconds=0.05)
    with ThreadPoolExecutor() as threads:
        first = threads.submit(S3ArtefactStore(slow, bucket, KEY).put, artefact)
        assert begun.wait(60)
        waiting = threads.submit(second.put, other)
        with pytest.raises(TimeoutError):
            waiting.result(0.5)
        wanted.set()
        first.result(60)
        waiting.result(60)
    assert objects(endpoint, bucket)[f"{KEY}/unet/model.neuron"] == b"graph"


def test_rights_that_do_not_hold_yet_are_tried_again(endpoint: str, bucket: str) -> None:
    s3 = client(endpoint)
    denied = ClientError({"Error": {"Code": "AccessDenied"}}, "ListObjectsV2")

    def deny(**_: Any) -> None:
        raise denied

    s3.meta.events.register("before-call.s3.ListObjectsV2", deny)
    with pytest.raises(NotYetError, match="access is denied"):
        S3ArtefactStore(s3, bucket, KEY).manifest()


def test_no_bucket_and_another_artefact_in_the_place_are_said(
    endpoint: str, bucket: str, artefact: Path
) -> None:
    with pytest.raises(UserError, match="s3://no-such-bucket: there is no such bucket"):
        S3ArtefactStore(client(endpoint), "no-such-bucket", KEY).manifest()
    store = S3ArtefactStore(client(endpoint), bucket, KEY)
    store.put(artefact)
    with pytest.raises(UserError, match=f"artefact {KEY} is there, not fedc"):
        holds(store, "place", "fedcba9876543210")
