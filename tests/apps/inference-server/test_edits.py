"""`POST /v1/images/edits`, asked by OpenAI's own client: images from images."""

from __future__ import annotations

import asyncio
import io
import random
import socket
import zlib
from dataclasses import replace
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import httpx
import openai
import pytest
from instant_images import FACTS, InstantImages
from PIL import ExifTags, Image
from served_app import LIMIT_SECONDS, served, settings_with
from starlette.requests import Request

from inference_server.api.app import create_app
from inference_server.api.fields import EditFields
from inference_server.api.making import DECODED_AT_ONCE, Making
from inference_server.api.source_image import nearest_size, source_picture
from inference_server.api.unless_gone import ClientGoneError
from inference_server.errors import QueueFullError
from inference_server.job import Picture, Size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Message


class World:
    def __init__(self, url: str, images: InstantImages) -> None:
        self.url = url
        self.images = images
        self.client = openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0)

    def edit(self, image: bytes, **fields: str) -> httpx.Response:
        return httpx.post(
            f"{self.url}/v1/images/edits",
            data={"prompt": "a fox", **fields},
            files={"image": ("in.png", image, "image/png")},
            timeout=60,
        )

    def problem(self, image: bytes, **fields: str) -> str:
        answer = self.edit(image, **fields)
        assert answer.status_code == 400
        return str(answer.json()["error"]["message"])

    def source(self) -> Picture:
        """What the model was given last."""
        source = self.images.asked[-1][0][0].source
        assert source is not None
        return source


@pytest.fixture
def world() -> Iterator[World]:
    images = InstantImages()
    with served(create_app(settings_with(), images)) as url:
        yield World(url, images)


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def plain(width: int = 64, height: int = 64, colour: str = "red") -> bytes:
    return saved(Image.new("RGB", (width, height), colour))


def pixel(picture: Picture, x: int, y: int) -> tuple[int, ...]:
    at = 3 * (y * picture.width + x)
    return tuple(picture.rgb[at : at + 3])


def test_openais_client_gets_an_edit_of_its_image(world: World) -> None:
    pixels = random.Random(1).randbytes(64 * 64 * 3)
    image = saved(Image.frombytes("RGB", (64, 64), pixels))
    answer = world.client.images.edit(
        image=("in.png", image),
        prompt="a fox",
        n=2,
        extra_body={"strength": 0.5, "seed": 3},
    )
    assert answer.data
    assert len(answer.data) == 2
    jobs, _ = world.images.asked[0]
    assert [(job.shape.strength, job.seed) for job in jobs] == [(0.5, 3), (0.5, 4)]
    assert world.source().rgb == pixels


def test_without_a_strength_most_of_the_image_is_given_up(world: World) -> None:
    assert world.edit(plain()).status_code == 200
    assert world.images.asked[0][0][0].shape.strength == 0.8


def test_the_fields_of_a_form_are_those_of_generations(world: World) -> None:
    answer = world.edit(
        plain(), n="2", size="96x64", steps="9", guidance="3.5", seed="8", lora="clay",
        negative_prompt="dogs", output_format="webp", stream="false", input_fidelity="low",
    )  # fmt: skip
    assert answer.status_code == 200
    job = world.images.asked[0][0][1]
    assert (str(job.shape.size), job.shape.steps, job.shape.guidance) == (
        "96x64",
        9,
        3.5,
    )
    assert (job.seed, job.shape.lora, job.negative_prompt) == (9, "clay", "dogs")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_png_jpeg_and_webp_are_taken(world: World, kind: str) -> None:
    assert world.edit(saved(Image.new("RGB", (70, 80), "blue"), kind)).status_code == 200


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM"])
def test_other_formats_are_refused(world: World, kind: str) -> None:
    problem = world.problem(saved(Image.new("RGB", (64, 64)), kind))
    assert problem == "image: a PNG, JPEG or WebP image is wanted"


def test_a_list_of_one_image_is_taken_and_several_are_refused_by_name(
    world: World,
) -> None:
    image = ("in.png", plain())
    assert world.client.images.edit(image=[image], prompt="a fox").data
    with pytest.raises(openai.BadRequestError, match="image: 2 images are too many") as raised:
        world.client.images.edit(image=[image, image], prompt="a fox")
    assert raised.value.param == "image"


def test_a_mask_is_refused_by_name(world: World) -> None:
    with pytest.raises(openai.BadRequestError, match="mask: masks are not supported") as raised:
        world.client.images.edit(image=("a.png", plain()), mask=("b.png", plain()), prompt="a fox")
    assert raised.value.param == "mask"


def test_a_model_that_makes_none_says_so(world: World) -> None:
    world.images.facts = replace(FACTS, edits=False)
    assert "makes no images from images" in world.problem(plain())


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(640, 640, "64x64"), (1000, 640, "96x64"), (300, 420, "64x96"), (70, 64, "64x64")],
)
def test_without_a_size_the_nearest_shape_is_taken(
    world: World, width: int, height: int, size: str
) -> None:
    assert world.edit(plain(width, height), size="auto").status_code == 200
    assert str(world.images.asked[0][0][0].shape.size) == size
    assert f"{world.source().width}x{world.source().height}" == size


def test_of_equally_near_sizes_the_default_is_taken() -> None:
    sizes = (Size(64, 64), Size(128, 128), Size(32, 16))
    assert nearest_size(500, 500, sizes) == Size(64, 64)
    assert nearest_size(32, 16, sizes) == Size(32, 16)


def test_an_image_covers_the_size_and_loses_its_edges_alike(world: World) -> None:
    # Blue at both ends, beyond the square in the middle.
    image = Image.new("RGB", (192, 64), "blue")
    image.paste("red", (64, 0, 128, 64))
    assert world.edit(saved(image), size="64x64").status_code == 200
    source = world.source()
    assert {pixel(source, x, y) for x in (2, 32, 61) for y in (0, 63)} == {(255, 0, 0)}


def test_an_image_is_turned_upright(world: World) -> None:
    # Lies on its side: what is left here is above for whoever sees it.
    image = Image.new("RGB", (96, 64), "red")
    image.paste("blue", (48, 0, 96, 64))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    assert world.edit(saved(image, exif=exif)).status_code == 200
    source = world.source()
    assert (source.width, source.height) == (64, 96)
    assert pixel(source, 32, 4) == (255, 0, 0)
    assert pixel(source, 32, 90) == (0, 0, 255)


@pytest.mark.parametrize(
    ("image", "colour"),
    [
        (Image.new("RGBA", (64, 64), (0, 0, 0, 0)), 255),
        (Image.new("LA", (64, 64), (0, 0)), 255),
        (Image.new("L", (64, 64), 100), 100),
        (Image.new("1", (64, 64), 1), 255),
        (Image.new("I;16", (64, 64), 100 * 256), 100),
        (Image.new("P", (64, 64), 0), 0),
    ],
)
def test_every_kind_of_pixel_becomes_rgb_and_what_is_transparent_white(
    image: Image.Image, colour: int
) -> None:
    picture = source_picture(saved(image), Size(64, 64), FACTS.sizes)
    assert pixel(picture, 32, 32) == (colour,) * 3


def test_an_image_with_too_many_pixels_is_refused_before_it_is_decoded(
    world: World,
) -> None:
    assert world.edit(saved(Image.new("1", (4096, 4096)))).status_code == 200
    assert "4097x10 is too large: 4096x4096 pixels" in world.problem(plain(4097, 10))
    # A bomb: a header of 30000x30000 and hardly a byte.
    bomb = bytearray(plain())
    bomb[16:24] = (30_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bytes(bomb[12:29])).to_bytes(4, "big")
    assert "is too large: 4096x4096 pixels" in world.problem(bytes(bomb))


def test_a_broken_image_is_refused(world: World) -> None:
    noise = saved(Image.frombytes("RGB", (64, 64), random.Random(1).randbytes(64 * 64 * 3)))
    assert world.problem(noise[:4000]) == "image: the image is broken"
    assert "a PNG, JPEG or WebP image is wanted" in world.problem(noise[:20])
    assert "a PNG, JPEG or WebP image is wanted" in world.problem(b"")


def test_all_that_is_wrong_is_named_at_once(world: World) -> None:
    problem = world.problem(b"no image", n="eleven", strength="0", colour="red")
    for name in ("image", "n", "strength", "colour"):
        assert f"{name}: " in problem


def test_a_strength_that_leaves_no_step_is_refused(world: World) -> None:
    assert world.edit(plain(), strength="0.25").status_code == 200
    assert "strength: '0.2' is wrong: leaves none of 4 steps" in world.problem(
        plain(), strength="0.2"
    )
    assert "strength: " in world.problem(plain(), steps="1")


@pytest.mark.parametrize("path", ["/v1/images/edits", "/invocations"])
def test_a_full_queue_is_503_before_the_body_has_come(world: World, path: str) -> None:
    world.images.be_full()
    host, port = world.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=LIMIT_SECONDS) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n".encode()
        )
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 7" in answer


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
@pytest.mark.parametrize("path", ["/v1/images/edits", "/invocations"])
def test_who_sends_all_of_a_large_body_first_sees_the_503(
    world: World, path: str, connection: str
) -> None:
    world.images.be_full()
    host, port = world.url.removeprefix("http://").split(":")
    asking = HTTPConnection(host, int(port), timeout=LIMIT_SECONDS)
    # Raises where the connection is reset.
    asking.request("POST", path, b"x" * 16 * 2**20, {"connection": connection})
    answer = asking.getresponse()
    assert (answer.status, answer.headers["retry-after"]) == (503, "7")
    asking.close()


def broken() -> bytes:
    """Its header is right: only decoding it says that it is broken."""
    pixels = random.Random(1).randbytes(64 * 64 * 3)
    return saved(Image.frombytes("RGB", (64, 64), pixels))[:4000]


def test_without_room_for_all_its_images_a_source_is_not_decoded(world: World) -> None:
    world.images.free_images = 2
    assert world.edit(broken(), n="2").status_code == 400
    answer = world.edit(broken(), n="3")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")


async def nothing_comes() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def client_goes() -> Message:
    return {"type": "http.disconnect"}


def edit_fields() -> EditFields:
    return EditFields.model_construct(prompt="a fox", strength=0.8)


def test_a_client_that_goes_while_others_are_decoded_waits_no_longer() -> None:
    async def ask() -> None:
        making = Making(settings_with(), InstantImages(), None)
        for _ in range(DECODED_AT_ONCE):
            await making._decoding.acquire()
        files = making.files(Request({"type": "http"}, client_goes), "t", edit_fields(), plain())
        with pytest.raises(ClientGoneError):
            await asyncio.wait_for(files, LIMIT_SECONDS)
        for _ in range(DECODED_AT_ONCE):
            making._decoding.release()
        # Its place was given back.
        for _ in range(DECODED_AT_ONCE):
            await asyncio.wait_for(making._decoding.acquire(), LIMIT_SECONDS)

    asyncio.run(ask())


def test_a_queue_that_fills_while_others_are_decoded_is_full_at_once() -> None:
    async def ask() -> None:
        images = InstantImages()
        making = Making(settings_with(), images, None)
        for _ in range(DECODED_AT_ONCE):
            await making._decoding.acquire()
        request = Request({"type": "http"}, nothing_comes)
        files = asyncio.create_task(making.files(request, "t", edit_fields(), broken()))
        while not making._decoding._waiters:  # noqa: ASYNC110
            await asyncio.sleep(0)
        images.be_full()
        making._decoding.release()
        with pytest.raises(QueueFullError):
            await asyncio.wait_for(files, LIMIT_SECONDS)

    asyncio.run(ask())
