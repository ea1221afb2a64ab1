"""The server in a container that starts TorchServe: the real one, by AWS's own toolkit."""

from __future__ import annotations

import base64
import io
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from tiny_models import save_tiny_sd
from torchserve_container import (
    LIMIT_SECONDS,
    MISSING,
    Container,
    put_server_into,
    start,
    torchserve_container,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"{MISSING} is not installed")

DRAWING = Path(__file__).with_name("drawing_framework.py")


@pytest.fixture
def container() -> Iterator[Container]:
    with torchserve_container() as each:
        put_server_into(each.model, framework=DRAWING)
        yield each


def test_a_real_model_is_served_by_the_container_s_own_torch() -> None:
    with torchserve_container() as container:
        save_tiny_sd(container.model)
        put_server_into(container.model)
        start(container)
        container.until(ping=200)
        answer = container.invoke("image/png", prompt="a fox", steps=2)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        assert Image.open(io.BytesIO(answer.content)).format == "PNG"
        data = container.invoke(prompt="a fox", seed=4, steps=2, n=2).json()["data"]
        assert [each["seed"] for each in data] == [4, 5]
        assert base64.b64decode(data[0]["b64_json"]).startswith(b"\x89PNG")


def test_nobody_answers_pings_before_the_model_is_loaded(container: Container) -> None:
    (container.model / "wait-for").write_text("loaded")
    start(container)
    end = time.monotonic() + LIMIT_SECONDS
    while not container.servers() or '"starting"' not in container.said():
        assert time.monotonic() < end, container.said()
        time.sleep(0.1)
    for _ in range(20):
        assert container.ping() == 0
        time.sleep(0.05)
    (container.model / "loaded").touch()
    container.until(ping=200)
    assert container.invoke(prompt="a fox").status_code == 200


def test_all_workers_share_one_server_which_makes_batches_of_their_requests(
    container: Container,
) -> None:
    (container.model / "model-config.yaml").write_text("minWorkers: 5\nmaxWorkers: 5\n")
    start(container)
    container.until(ping=200)
    assert len(container.servers()) == 1
    with ThreadPoolExecutor() as pool:
        first = pool.submit(container.invoke, prompt="wait go")
        end = time.monotonic() + LIMIT_SECONDS
        while not (container.model / "batches").exists():
            assert time.monotonic() < end, container.said()
            time.sleep(0.02)
        others = [pool.submit(container.invoke, prompt=f"{number}") for number in range(4)]
        time.sleep(1)  # They are on their way.
        (container.model / "go").touch()
        assert {each.result().status_code for each in [first, *others]} == {200}
    batches = (container.model / "batches").read_text().splitlines()
    assert len(batches) < 5


def test_errors_keep_their_status_and_their_body(container: Container) -> None:
    start(container)
    container.until(ping=200)
    wrong = container.invoke(prompt="a fox", steps=0)
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "steps")
    unacceptable = container.invoke("text/html", prompt="a fox")
    assert (unacceptable.status_code, unacceptable.json()["error"]["param"]) == (406, "accept")
    lost = container.invoke(prompt="raise")
    assert (lost.status_code, "error" in lost.json()) == (500, True)


def test_a_server_that_dies_is_started_again(container: Container) -> None:
    start(container)
    container.until(ping=200)
    (server,) = container.servers()
    os.kill(server, signal.SIGKILL)
    end = time.monotonic() + LIMIT_SECONDS
    while container.servers() in ([], [server]):
        assert time.monotonic() < end, container.said()
        time.sleep(0.1)
    assert container.invoke(prompt="a fox").status_code == 200
    assert len(container.servers()) == 1


def test_a_server_that_cannot_be_started_ends_the_container_and_says_why(
    container: Container,
) -> None:
    (container.model / "no-model").touch()
    start(container)
    assert container.process.wait(LIMIT_SECONDS) != 0
    assert "there is no model" in container.said()
    assert container.servers() == []


def test_the_server_ends_with_torchserve(container: Container) -> None:
    start(container)
    container.until(ping=200)
    assert container.invoke(prompt="a fox").status_code == 200
    container.process.send_signal(signal.SIGTERM)
    end = time.monotonic() + LIMIT_SECONDS
    while container.servers():
        assert time.monotonic() < end, container.said()
        time.sleep(0.1)
    assert '"message": "stopped"' in container.said()
