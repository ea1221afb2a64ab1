"""SageMaker's container contract."""

from __future__ import annotations

import asyncio
import base64
import io
import random
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from instant_images import InstantImages
from PIL import Image
from pydantic_core import from_json
from served_app import served, settings_with
from starlette.requests import Request

from inference_server.api.app import create_app
from inference_server.api.body import IMAGE_LIMIT_BYTES, json_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Message


class World:
    def __init__(self, url: str, images: InstantImages) -> None:
        self.url = url
        self.images = images

    def invoke(self, accept: str | None = None, **fields: object) -> httpx.Response:
        headers = {} if accept is None else {"accept": accept}
        return httpx.post(f"{self.url}/invocations", json=fields, headers=headers, timeout=30)


@pytest.fixture
def world() -> Iterator[World]:
    images = InstantImages()
    with served(create_app(settings_with(), images)) as url:
        yield World(url, images)


def png(width: int = 64, height: int = 64) -> str:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_ping_is_200_when_ready_and_503_when_not(world: World) -> None:
    assert httpx.get(f"{world.url}/ping").status_code == 200
    world.images.be_unready()
    assert httpx.get(f"{world.url}/ping").status_code == 503


def test_an_invocation_is_a_generation(world: World) -> None:
    answer = world.invoke(prompt="a fox", n=2, seed=4, size="96x64", steps=3).json()
    assert [each["seed"] for each in answer["data"]] == [4, 5]
    assert Image.open(io.BytesIO(base64.b64decode(answer["data"][0]["b64_json"]))).size == (96, 64)
    assert world.images.asked[0][0][0].shape.strength is None


def test_an_invocation_with_an_image_is_an_edit(world: World) -> None:
    answer = world.invoke(prompt="a fox", image=png(640, 960), strength=0.5)
    assert answer.status_code == 200
    job = world.images.asked[0][0][0]
    assert job.source
    assert (str(job.shape.size), job.shape.strength) == ("64x96", 0.5)


def test_an_image_of_megabytes_and_a_prompt_of_commas_are_taken(world: World) -> None:
    file = io.BytesIO()
    pixels = random.Random(1).randbytes(1024 * 1024 * 3)
    Image.frombytes("RGB", (1024, 1024), pixels).save(file, "PNG", compress_level=0)
    image = base64.b64encode(file.getvalue()).decode()
    answer = world.invoke(prompt="," * 4000, negative_prompt="[" * 4000, image=image)
    assert answer.status_code == 200


@pytest.mark.parametrize(("size_bytes", "in_thread"), [(1000, False), (2**20, True)])
def test_a_large_body_is_parsed_while_other_requests_are_answered(
    monkeypatch: pytest.MonkeyPatch, size_bytes: int, in_thread: bool
) -> None:
    threads: list[threading.Thread] = []

    def observed(*given: Any, **more: Any) -> object:
        threads.append(threading.current_thread())
        return from_json(*given, **more)

    async def receive() -> Message:
        return {"type": "http.request", "body": b'{"image": "%s"}' % (b"A" * size_bytes)}

    monkeypatch.setattr("inference_server.api.body.from_json", observed)
    request = Request({"type": "http", "headers": []}, receive)
    asyncio.run(json_body(request, IMAGE_LIMIT_BYTES, type_wanted=False))
    assert [each is not threading.main_thread() for each in threads] == [in_thread]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [("image/png", "PNG"), ("image/jpeg", "JPEG"), ("image/webp;q=1", "WEBP")],
)
def test_bytes_of_an_image_are_given_to_who_accepts_them(
    world: World, accept: str, kind: str
) -> None:
    answer = world.invoke(accept, prompt="a fox")
    assert answer.headers["content-type"] == accept.partition(";")[0]
    assert Image.open(io.BytesIO(answer.content)).format == kind


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/json, image/png"])
def test_json_is_given_to_all_others(world: World, accept: str | None) -> None:
    assert world.invoke(accept, prompt="a fox").headers["content-type"] == "application/json"


def test_no_content_type_is_json() -> None:
    with served(create_app(settings_with(), InstantImages())) as url:
        answer = httpx.post(f"{url}/invocations", content=b'{"prompt": "a fox"}')
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("accept", "fields", "status", "param"),
    [
        ("text/html", {}, 406, "accept"),
        ("image/png", {"n": 2}, 400, "n"),
        ("image/png", {"output_format": "jpeg"}, 400, "output_format"),
        ("image/png", {"response_format": "url"}, 400, "response_format"),
        (None, {"image": "no base64!"}, 400, "image"),
        (None, {"image": "bm8gaW1hZ2U="}, 400, "image"),
        (None, {"image": [png()]}, 400, "image"),
        (None, {"image": png(5000, 8)}, 400, "image"),
        (None, {"image": png(), "mask": png()}, 400, "mask"),
        (None, {"strength": 0.5}, 400, "strength"),
        (None, {"prompt": ""}, 400, "prompt"),
    ],
)
def test_what_is_wrong_is_named(
    world: World, accept: str | None, fields: dict[str, object], status: int, param: str
) -> None:
    answer = world.invoke(accept, **{"prompt": "a fox", **fields})
    assert answer.status_code == status
    assert answer.json()["error"]["param"] == param
    assert f"{param}: " in answer.json()["error"]["message"]
