"""`POST /v1/images/generations`, asked by OpenAI's own client."""

from __future__ import annotations

import base64
import io
import json
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import openai
import pytest
import uvicorn
from instant_images import FACTS, InstantImages, drawn
from moto_server import CREDENTIALS, moto_server, why_no_moto
from PIL import ExifTags, Image
from served_app import served, settings_with, wait_until

from inference_server.api.app import create_app
from inference_server.api.url_store import S3UrlStore, url_store_of
from inference_server.errors import JobRefusedError, WorkerFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI


class Counted:
    """What the observer was told."""

    def __init__(self) -> None:
        self.begun = 0
        self.ends: list[tuple[int, int]] = []

    def began(self) -> None:
        self.begun += 1

    def ended(self, status: int, latency_seconds: float, images: int) -> None:
        assert latency_seconds > 0
        self.ends.append((status, images))


class World:
    """A server, what makes its images, and who asks it."""

    def __init__(self, url: str, images: InstantImages, counted: Counted) -> None:
        self.url = url
        self.images = images
        self.counted = counted
        self.client = openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0)

    def post(self, **fields: object) -> httpx.Response:
        return httpx.post(f"{self.url}/v1/images/generations", json=fields, timeout=30)


def app_of(images: InstantImages, counted: Counted, **settings: Any) -> FastAPI:
    return create_app(settings_with(**settings), images, observer=counted)


@pytest.fixture
def world() -> Iterator[World]:
    images, counted = InstantImages(), Counted()
    with served(app_of(images, counted)) as url:
        yield World(url, images, counted)


def file_of(item: dict[str, Any] | openai.types.Image) -> bytes:
    text = item["b64_json"] if isinstance(item, dict) else item.b64_json
    assert text
    return base64.b64decode(text)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def test_openais_client_gets_images_in_base64(world: World) -> None:
    answer = world.client.images.generate(prompt="a fox", n=3, size="64x64", model="tiny")
    assert answer.created > 1_700_000_000
    assert answer.data is not None
    assert [opened(file_of(each)).size for each in answer.data] == [(64, 64)] * 3
    assert len({file_of(each) for each in answer.data}) == 3


def test_a_png_holds_the_very_pixels_that_were_made(world: World) -> None:
    answer = world.post(prompt="a fox", seed=5)
    jobs, _ = world.images.asked[0]
    assert opened(file_of(answer.json()["data"][0])).tobytes() == drawn(jobs[0]).rgb


def test_the_answer_names_model_unit_and_seeds(world: World) -> None:
    answer = world.post(prompt="a fox", seed=7, n=2).json()
    assert (answer["model"], answer["unit"]) == ("tiny", "tiny-cpu")
    assert [each["seed"] for each in answer["data"]] == [7, 8]


def test_the_seeds_of_several_images_go_on_at_zero(world: World) -> None:
    answer = world.post(prompt="a fox", seed=2**32 - 1, n=3).json()
    assert [each["seed"] for each in answer["data"]] == [2**32 - 1, 0, 1]


def test_without_a_seed_each_request_has_another_one(world: World) -> None:
    seeds = {world.post(prompt="a fox").json()["data"][0]["seed"] for _ in range(4)}
    assert len(seeds) == 4


def test_what_is_not_asked_for_is_the_models_default(world: World) -> None:
    world.post(prompt="a fox")
    job = world.images.asked[0][0][0]
    assert job.shape.size == FACTS.sizes[0]
    assert (job.shape.steps, job.shape.guidance) == (4, 7.5)
    assert (job.shape.lora, job.shape.strength, job.source) == (None, None, None)


def test_what_is_asked_for_reaches_the_model(world: World) -> None:
    extra = {
        "steps": 9,
        "guidance": 3,
        "negative_prompt": "dogs",
        "lora": "ink",
        "seed": 1,
    }
    world.client.images.generate(prompt="a fox", size="96x64", extra_body=extra)
    job = world.images.asked[0][0][0]
    assert (str(job.shape.size), job.shape.steps, job.shape.guidance) == (
        "96x64",
        9,
        3.0,
    )
    assert (job.shape.lora, job.negative_prompt, job.seed) == ("ink", "dogs", 1)


def test_what_openais_clients_send_by_default_changes_nothing(world: World) -> None:
    answer = world.client.images.generate(
        prompt="a fox",
        quality="standard",
        style="vivid",
        background="auto",
        moderation="auto",
        output_compression=100,
        output_format="png",
        user="somebody",
        stream=False,
        extra_body={"lora": None, "seed": 3, "partial_images": 0},
    )
    assert answer.data
    plain = world.client.images.generate(prompt="a fox", extra_body={"seed": 3})
    assert plain.data
    assert opened(file_of(answer.data[0])).tobytes() == opened(file_of(plain.data[0])).tobytes()


def test_a_png_says_where_it_comes_from_and_nothing_of_the_prompt(world: World) -> None:
    answer = world.post(prompt="a secret fox", negative_prompt="dogs", seed=11, n=2)
    file = file_of(answer.json()["data"][1])
    texts = opened(file).info
    assert datetime.fromisoformat(texts.pop("time")).tzinfo is not None
    assert texts.pop("Software").startswith("inference-server ")
    assert texts == {
        "model": "tiny",
        "unit": "tiny-cpu",
        "seed": "12",
        "size": "64x64",
        "steps": "4",
        "guidance": "7.5",
    }
    assert b"secret" not in file


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_no_prompt_is_too_long_for_the_metadata(kind: str) -> None:
    images, counted = InstantImages(), Counted()
    fox, wolf = "\N{FOX FACE}" * 4000, "\N{WOLF FACE}" * 4000
    with served(app_of(images, counted, log_prompts=True)) as url:
        answer = World(url, images, counted).post(
            prompt=fox, negative_prompt=wolf, seed=11, output_format=kind
        )
    assert answer.status_code == 200
    image = opened(file_of(answer.json()["data"][0]))
    if kind == "png":
        assert (image.info["prompt"], image.info["negative_prompt"]) == (fox, wolf)
        return
    facts = json.loads(image.getexif()[ExifTags.Base.ImageDescription])
    # What does not fit is cut, and that can be seen.
    assert facts["prompt"] == fox[:2000] + "…"
    assert facts["negative_prompt"] in (wolf, wolf[:2000] + "…")
    assert facts["seed"] == "11"


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_jpeg_and_webp_say_it_in_exif(world: World, kind: str) -> None:
    answer = world.post(prompt="a fox", seed=11, output_format=kind).json()
    assert answer["output_format"] == kind
    image = opened(file_of(answer["data"][0]))
    assert image.format == kind.upper()
    facts = json.loads(image.getexif()[ExifTags.Base.ImageDescription])
    assert (facts["model"], facts["seed"], facts["unit"]) == ("tiny", "11", "tiny-cpu")
    assert "time" in facts
    assert "prompt" not in facts


def test_a_lower_quality_makes_a_smaller_file(world: World) -> None:
    sizes = [
        len(file_of(answer.json()["data"][0]))
        for answer in (
            world.post(prompt="a fox", seed=1, output_format="jpeg", output_compression=quality)
            for quality in (0, 60, 100)
        )
    ]
    assert sizes == sorted(set(sizes))


def test_prompts_are_in_metadata_and_log_only_where_that_is_configured(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for log_prompts in (False, True):
        caplog.clear()
        images, counted = InstantImages(), Counted()
        with served(app_of(images, counted, log_prompts=log_prompts)) as url:
            answer = World(url, images, counted).post(prompt="Füchsin 狐", seed=1)
        texts = opened(file_of(answer.json()["data"][0])).info
        logged = "".join(str(vars(record)) for record in caplog.records)
        assert ("狐" in logged) is log_prompts
        assert texts.get("prompt") == ("Füchsin 狐" if log_prompts else None)


def test_each_request_is_one_line_of_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    headers = {"x-request-id": "task-17"}
    body = {"prompt": "a fox", "n": 2}
    httpx.post(f"{world.url}/v1/images/generations", json=body, headers=headers)
    httpx.get(f"{world.url}/health")
    wait_until(lambda: any(record.message == "answered" for record in caplog.records))
    (record,) = [vars(each) for each in caplog.records if each.message == "answered"]
    assert (record["request_id"], record["status"], record["images"]) == (
        "task-17",
        200,
        2,
    )
    assert (record["tenant"], record["size"], record["queue_seconds"]) == (
        "everybody",
        "64x64",
        0.25,
    )


def test_a_request_id_is_given_back_or_made(world: World) -> None:
    url = f"{world.url}/v1/images/generations"
    given = httpx.post(url, json={"prompt": "a fox"}, headers={"x-request-id": "task-17"})
    assert given.headers["x-request-id"] == "task-17"
    made = [httpx.post(url, json={"prompt": "a fox"}).headers["x-request-id"] for _ in range(2)]
    assert len(set(made)) == 2
    bad = httpx.post(url, json={}, headers={"x-request-id": "x" * 500})
    assert len(bad.headers["x-request-id"]) == 36


def test_the_answer_says_how_long_it_waited_and_ran(world: World) -> None:
    timing = world.post(prompt="a fox").headers["server-timing"]
    assert timing.startswith("queue;dur=250.0, run;dur=1500.0, encode;dur=")


def test_an_unknown_model_is_openais_404(world: World) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        world.client.images.generate(prompt="a fox", model="dall-e-3")
    assert (raised.value.code, raised.value.param) == ("model_not_found", "model")
    assert "tiny" in raised.value.message


def test_a_wrong_request_is_openais_bad_request_and_names_all_that_is_wrong(
    world: World,
) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        world.client.images.generate(
            prompt="a secret fox" * 500,
            n=11,
            size="512x512",
            quality="hd",
            extra_body={"steps": 51, "lora": "oil", "sampler": "euler"},
        )
    message = raised.value.message
    for name in ("prompt", "n", "size", "quality", "steps", "lora", "sampler"):
        assert f"{name}: " in message
    for allowed in (
        "64x64 or 96x64 or 64x96",
        "1 to 50",
        "ink or clay",
        "'auto' or 'standard'",
    ):
        assert allowed in message
    assert "secret" not in message
    assert raised.value.param == "prompt"
    assert world.images.asked == []


def test_what_cannot_be_done_is_refused_by_name(world: World) -> None:
    for name, value in {
        "quality": "high",
        "style": "natural",
        "background": "transparent",
        "moderation": "low",
        "stream": True,
        "partial_images": 2,
        "output_format": "gif",
        "response_format": "url",
        "svg": {"model": "x"},
        "strength": 0.5,
        "mask": "x",
    }.items():
        answer = world.post(prompt="a fox", **{name: value})
        assert answer.status_code == 400, name
        assert answer.json()["error"]["param"] == name
        assert f"{name}: " in answer.json()["error"]["message"]


def test_a_full_queue_is_503_with_retry_after(world: World) -> None:
    world.images.be_full()
    with pytest.raises(openai.InternalServerError) as raised:
        world.client.images.generate(prompt="a fox")
    assert raised.value.status_code == 503
    assert raised.value.code == "queue_full"
    assert raised.value.response.headers["retry-after"] == "7"


def test_a_server_that_is_not_ready_is_503_with_retry_after(world: World) -> None:
    world.images.be_unready()
    answer = world.post(prompt="a fox")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert answer.json()["error"]["code"] == "not_ready"
    world.images.facts = None
    answer = world.post(prompt="a fox")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    "error", [WorkerFailedError("NRT_EXEC on a secret fox"), KeyError("a secret fox")]
)
def test_a_failure_is_500_without_stack_or_prompt(world: World, error: Exception) -> None:
    world.images.error = error
    with pytest.raises(openai.InternalServerError) as raised:
        world.client.images.generate(prompt="a secret fox")
    text = raised.value.response.text
    assert raised.value.status_code == 500
    assert "secret" not in text
    assert "Traceback" not in text
    assert "NRT" not in text
    assert raised.value.response.headers["x-request-id"]


def test_what_the_model_refuses_is_400_and_says_why(world: World) -> None:
    world.images.error = JobRefusedError("the LoRA is for another model")
    with pytest.raises(openai.BadRequestError, match="the LoRA is for another model"):
        world.client.images.generate(prompt="a fox")


def test_a_flagged_image_is_marked_and_all_flagged_are_openais_content_policy(
    world: World,
) -> None:
    world.images.flagged_seeds = frozenset({5})
    data = world.post(prompt="a fox", seed=4, n=2).json()["data"]
    assert [each.get("flagged") for each in data] == [None, True]
    with pytest.raises(openai.BadRequestError) as raised:
        world.client.images.generate(prompt="a fox", extra_body={"seed": 5})
    assert raised.value.code == "content_policy_violation"


def test_a_client_that_goes_takes_its_images_back(world: World) -> None:
    world.images.is_slow = True
    host, port = world.url.removeprefix("http://").split(":")
    body = b'{"prompt": "a fox"}'
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%s" % (len(body), body)
        )
        wait_until(lambda: world.images.under_way == 1)
    wait_until(lambda: world.images.cancelled == 1)
    wait_until(lambda: world.counted.ends == [(499, 0)])
    world.images.is_slow = False
    assert world.post(prompt="a fox").status_code == 200


def test_a_client_that_goes_within_its_body_leaves_nothing_behind(world: World) -> None:
    host, port = world.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b'content-length: 100\r\n\r\n{"prompt'
        )
        wait_until(lambda: world.counted.begun == 1)
    wait_until(lambda: world.counted.ends == [(499, 0)])
    assert world.images.asked == []


def test_the_observer_is_told_of_each_request_for_images_and_of_no_other(
    world: World,
) -> None:
    world.post(prompt="a fox", n=3)
    world.post(prompt="")
    world.images.be_full()
    world.post(prompt="a fox")
    for path in (
        "/health",
        "/readiness",
        "/metrics",
        "/ping",
        "/v1/images/generations",
    ):
        httpx.get(world.url + path)
    wait_until(lambda: len(world.counted.ends) == 3)
    assert world.counted.begun == 3
    assert world.counted.ends == [(200, 3), (400, 0), (503, 0)]


class BrokenStore:
    """A bucket that takes nothing."""

    async def put(self, data: bytes, media_type: str) -> str:
        raise PermissionError(f"{len(data)} bytes of {media_type} are not wanted")


def test_images_that_could_not_be_given_are_not_counted() -> None:
    images, counted = InstantImages(), Counted()
    app = create_app(settings_with(), images, observer=counted, url_store=BrokenStore())
    with served(app) as url:
        answer = World(url, images, counted).post(prompt="a fox", n=4, response_format="url")
    assert answer.status_code == 500
    assert counted.ends == [(500, 0)]


def test_an_image_that_is_given_as_bytes_is_counted(world: World) -> None:
    body, headers = {"prompt": "a fox"}, {"accept": "image/png"}
    assert httpx.post(f"{world.url}/invocations", json=body, headers=headers).status_code == 200
    wait_until(lambda: world.counted.ends == [(200, 1)])


def test_a_request_that_a_stopping_server_gives_up_is_its_503_not_its_clients_499() -> None:
    images, counted = InstantImages(), Counted()
    images.is_slow = True
    server = uvicorn.Server(
        uvicorn.Config(
            app_of(images, counted),
            host="127.0.0.1",
            port=0,
            log_level="critical",
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive())
    port = server.servers[0].sockets[0].getsockname()[1]
    world = World(f"http://127.0.0.1:{port}", images, counted)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(world.post, prompt="a fox")
        wait_until(lambda: images.under_way == 1)
        server.should_exit = True
        answer = asked.result(30)
    thread.join(30)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"]["code"] == "not_ready"
    assert counted.ends == [(503, 0)]
    assert images.cancelled == 1


def test_many_clients_at_once_get_each_their_own(world: World) -> None:
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(16) as pool:

        def ask(seed: int) -> int:
            body = {"prompt": "a fox", "seed": seed}
            answer = client.post(f"{world.url}/v1/images/generations", json=body)
            item = answer.json()["data"][0]
            assert opened(file_of(item)).info["seed"] == str(seed)
            return int(item["seed"])

        assert list(pool.map(ask, range(64))) == list(range(64))


@pytest.mark.skipif(why_no_moto() is not None, reason=why_no_moto() or "")
def test_an_image_as_url_is_in_the_bucket_and_can_be_had_by_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with moto_server() as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        s3 = boto3.client("s3")
        s3.create_bucket(
            Bucket="pictures",
            CreateBucketConfiguration={"LocationConstraint": "us-west-2"},
        )
        images, counted = InstantImages(), Counted()
        app = app_of(images, counted, url_bucket="pictures", url_prefix="out", url_seconds=600)
        with served(app) as url:
            client = openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0)
            answer = client.images.generate(
                prompt="a fox", n=2, response_format="url", output_format="webp"
            )
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket="pictures")["Contents"]]
        assert answer.data
        assert len(keys) == len(answer.data) == 2
        for item in answer.data:
            assert item.b64_json is None
            assert item.url
            asked = httpx.URL(item.url)
            assert any(asked.path.endswith(key) for key in keys)
            assert asked.params["X-Amz-Expires"] == "600"
            got = httpx.get(item.url)
            assert got.headers["content-type"] == "image/webp"
            assert opened(got.content).size == (64, 64)
        for key in keys:
            prefix, year, month, day, name = key.split("/")
            assert (prefix, len(year), len(month), len(day)) == ("out", 4, 2, 2)
            assert name.endswith(".webp")


def test_a_model_without_loras_says_so(world: World) -> None:
    world.images.facts = replace(FACTS, loras=())
    answer = world.post(prompt="a fox", lora="ink")
    assert answer.json()["error"]["message"] == "lora: 'ink' is wrong: this model has none"


def test_openapi_describes_the_fields_and_there_is_no_docs_page(world: World) -> None:
    described = httpx.get(f"{world.url}/openapi.json").json()
    body = described["paths"]["/v1/images/generations"]["post"]["requestBody"]
    properties = body["content"]["application/json"]["schema"]["properties"]
    assert {"prompt", "n", "size", "seed", "steps"} <= set(properties)
    assert httpx.get(f"{world.url}/docs").status_code == 404
    assert httpx.get(f"{world.url}/redoc").status_code == 404


def test_a_url_names_the_regions_own_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    store = url_store_of(settings_with(url_bucket="pictures", aws_region="eu-west-1"))
    assert isinstance(store, S3UrlStore)
    asked = {"Bucket": "pictures", "Key": "a.png"}
    url = store._client.generate_presigned_url("get_object", asked, 60)
    assert url.startswith("https://pictures.s3.eu-west-1.amazonaws.com/a.png?")
