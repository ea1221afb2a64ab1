"""The server as a process: how it starts, what it withstands, how it ends."""

from __future__ import annotations

import base64
import io
import json
import random
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from openai import OpenAI
from PIL import Image
from server_process import LIMIT_SECONDS, ServerProcess, server_process

if TYPE_CHECKING:
    from pathlib import Path


def ask(server: ServerProcess, prompt: str, **fields: Any) -> httpx.Response:
    return httpx.post(
        f"{server.url}/v1/images/generations",
        json={"prompt": prompt, **fields},
        timeout=LIMIT_SECONDS,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = tmp_path / "model"
    model.mkdir()
    return model


def test_sigterm_during_a_batch_lets_it_and_what_waits_be_made(folder: Path) -> None:
    with (
        server_process(folder, DRAIN_SECONDS="60") as server,
        ThreadPoolExecutor() as pool,
    ):
        server.until_ready()
        running = pool.submit(ask, server, "wait go")
        server.until_in_flight(1)
        waiting = pool.submit(ask, server, "another", size="24x16")
        server.until_in_flight(2)
        server.terminate()
        (folder / "go").touch()
        answers = [running.result(), waiting.result()]
        assert [each.status_code for each in answers] == [200, 200], [e.text for e in answers]
        assert server.exit_status() == 0


def test_what_the_drain_has_no_time_for_is_another_pods(folder: Path) -> None:
    with server_process(folder, DRAIN_SECONDS="1") as server, ThreadPoolExecutor() as pool:
        server.until_ready()
        running = pool.submit(ask, server, "wait for ever")
        server.until_in_flight(1)
        waiting = pool.submit(ask, server, "another", size="24x16")
        server.until_in_flight(2)
        server.terminate()
        for answer in (running.result(), waiting.result()):
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) >= 1
            assert "error" in answer.json()
        assert server.exit_status() == 0
        assert "Traceback" not in server.said()


def test_wrong_settings_end_it_with_all_that_is_wrong(folder: Path) -> None:
    with server_process(folder, FRAMEWORK="tpu", SAFETY_CHECKER="", PORT="x", real=True) as server:
        assert server.exit_status() == 2
        for name in ("FRAMEWORK: 'tpu'", "SAFETY_CHECKER: ''", "PORT: 'x'"):
            assert name in server.said()


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "model_index.json"),
        ({"model_index.json": json.dumps({"_class_name": "FluxPipeline"})}, "StableDiffusion"),
    ],
)
def test_a_model_that_nobody_can_load_ends_it_with_the_reason(
    folder: Path, files: dict[str, str], reason: str
) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    with server_process(folder, real=True) as server:
        assert server.exit_status() == 2
        assert reason in server.said()
        assert "Traceback" not in server.said()


@pytest.mark.parametrize("damage", ["cut off", "pickle only"])
def test_a_damaged_model_ends_it_with_the_files_name(tmp_path: Path, damage: str) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    from tiny_models import save_tiny_sd  # noqa: PLC0415 - it needs torch

    model = save_tiny_sd(tmp_path / "model")
    weights = model / "unet/diffusion_pytorch_model.safetensors"
    if damage == "cut off":
        weights.write_bytes(weights.read_bytes()[:-100])
    else:
        weights.rename(weights.with_suffix(".bin"))
    with server_process(model, real=True) as server:
        assert server.exit_status() == 2
        named = weights if damage == "cut off" else weights.with_suffix(".bin")
        assert f"unet/{named.name}" in server.said()
        assert "Traceback" not in server.said()


def test_openais_client_gets_images_of_a_real_pipeline(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    from tiny_models import save_tiny_sd  # noqa: PLC0415 - it needs torch

    with server_process(save_tiny_sd(tmp_path / "model"), real=True) as server:
        server.until_ready()
        client = OpenAI(base_url=f"{server.url}/v1", api_key="-", max_retries=0)
        fields: dict[str, Any] = {"steps": 2, "seed": 7}
        answers = [
            client.images.generate(prompt="a lighthouse", n=2, extra_body=fields) for _ in range(2)
        ]
        images = [[each.b64_json for each in answer.data or []] for answer in answers]
        assert images[0][0] != images[0][1]
        pixels = [
            [Image.open(io.BytesIO(base64.b64decode(text or ""))).tobytes() for text in each]
            for each in images
        ]
        assert pixels[0] == pixels[1]
        server.terminate()
        assert server.exit_status() == 0


def test_a_device_that_makes_nothing_ends_it_after_three_batches(folder: Path) -> None:
    with server_process(folder) as server:
        for _ in range(3):
            server.until_ready()
            assert ask(server, "raise").status_code == 500
        assert server.exit_status() == 1


def test_one_batch_that_succeeds_is_enough_to_go_on(folder: Path) -> None:
    with server_process(folder) as server:
        for _ in range(4):
            server.until_ready()
            assert ask(server, "raise").status_code == 500
            server.until_ready()
            assert ask(server, "a fox").status_code == 200


SIZES = ("16x16", "24x16", "16x24")


def hang_up(server: ServerProcess, prompt: str) -> None:
    """Asks, and closes the connection before there is an answer."""
    address = urlsplit(server.url)
    body = json.dumps({"prompt": prompt}).encode()
    head = (
        "POST /v1/images/generations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(head.encode() + body)


MALFORMED: tuple[dict[str, Any], ...] = (
    {"content": b"{"},
    {"content": b"\xff\xfe"},
    {"json": {"prompt": ""}},
    {"json": {"prompt": "a", "n": 0}},
    {"json": {"prompt": "a", "size": "1x1"}},
    {"json": {"prompt": "a", "colour": "red"}},
    {"json": ["prompt"]},
)


def test_two_hundred_clients_leave_nothing_behind(folder: Path) -> None:
    with server_process(folder, QUEUE_IMAGES="1000") as server:
        server.until_ready()

        def client(number: int) -> list[int]:
            chance = random.Random(number)
            statuses = []
            with httpx.Client(base_url=server.url, timeout=LIMIT_SECONDS) as http:
                for _ in range(5):
                    kind = chance.random()
                    if kind < 0.15:
                        hang_up(server, f"gone {number}")
                        continue
                    request: dict[str, Any] = {
                        "json": {"prompt": f"{number}", "size": chance.choice(SIZES), "n": 2}
                    }
                    if kind < 0.3:
                        request = {
                            "headers": {"content-type": "application/json"},
                            **chance.choice(MALFORMED),
                        }
                    answer = http.post("/v1/images/generations", **request)
                    assert (answer.status_code == 400) == (kind < 0.3), answer.text
                    statuses.append(answer.status_code)
            return statuses

        def round_of_clients() -> set[int]:
            with ThreadPoolExecutor(200) as pool:
                answers: list[Future[list[int]]] = [pool.submit(client, n) for n in range(200)]
                return {status for each in answers for status in each.result()}

        assert round_of_clients() == {200, 400}
        before = server.resident_mib()
        for _ in range(2):
            assert round_of_clients() == {200, 400}
        # A second and a third thousand of requests take no more than the first.
        assert server.resident_mib() < before * 1.3 + 20
        server.until_in_flight(0)
        end = time.monotonic() + LIMIT_SECONDS
        while "inference_queued_images 0.0" not in httpx.get(f"{server.url}/metrics").text:
            assert time.monotonic() < end
        server.terminate()
        assert server.exit_status() == 0
