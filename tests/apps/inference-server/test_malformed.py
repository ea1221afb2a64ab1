"""Requests that are wrong in every way: each is told what is wrong, and the server goes on."""

from __future__ import annotations

import io
import json
import socket
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest
from instant_images import InstantImages
from PIL import Image
from served_app import served, settings_with

from inference_server.api.app import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

GENERATIONS = "/v1/images/generations"
EDITS = "/v1/images/edits"
JSON = "application/json"
FORM = "multipart/form-data; boundary=cut"


class Malformed(NamedTuple):
    title: str
    body: bytes
    status: int
    #: What the message has to name.
    named: str
    path: str = GENERATIONS
    content_type: str | None = JSON


def field(name: str, value: object) -> bytes:
    return json.dumps({"prompt": "a fox", name: value}).encode()


def part(name: str, value: bytes, more: str = "") -> bytes:
    head = f'--cut\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def a_png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "PNG")
    return file.getvalue()


IMAGE = part("image", a_png(), '; filename="a.png"')
PROMPT = part("prompt", b"a fox")
END = b"--cut--\r\n"

ALL = [
    Malformed("nothing", b"", 400, "not JSON"),
    Malformed("no JSON", b"prompt=a fox", 400, "not JSON"),
    Malformed("half an object", b'{"prompt": "a f', 400, "not JSON"),
    Malformed("two objects", b'{"prompt": "a"}{"prompt": "b"}', 400, "not JSON"),
    Malformed("a comma too many", b'{"prompt": "a fox",}', 400, "not JSON"),
    Malformed("a list", b'[{"prompt": "a fox"}]', 400, "JSON object"),
    Malformed("null", b"null", 400, "JSON object"),
    Malformed("a text", b'"a fox"', 400, "JSON object"),
    Malformed("no UTF-8", b'{"prompt": "\xff\xfe"}', 400, "not JSON"),
    Malformed("UTF-16", '{"prompt": "a fox"}'.encode("utf-16"), 400, "not JSON"),
    Malformed("half a surrogate", b'{"prompt": "\\ud83d"}', 400, "not JSON"),
    Malformed("deep lists", b'{"prompt": ' + b"[" * 5_000, 400, "not JSON"),
    Malformed("deep objects", b'{"a":' * 5_000 + b"1" + b"}" * 5_000, 400, "not JSON"),
    Malformed("NaN", b'{"prompt": "a fox", "guidance": NaN}', 400, "not JSON"),
    Malformed("infinity", b'{"prompt": "a fox", "guidance": 1e999}', 400, "guidance: "),
    Malformed(
        "long integer",
        b'{"prompt": "x", "seed": 1' + b"0" * 5000 + b"}",
        400,
        "not JSON",
    ),
    Malformed("no prompt", b"{}", 400, "prompt: is missing"),
    Malformed("prompt null", b'{"prompt": null}', 400, "prompt: is missing"),
    Malformed("prompt empty", field("prompt", ""), 400, "prompt: "),
    Malformed("prompt too long", field("prompt", "x" * 4001), 400, "prompt: "),
    Malformed("prompt a list", field("prompt", ["a fox"]), 400, "prompt: "),
    Malformed("prompt an object", field("prompt", {"text": "a fox"}), 400, "prompt: "),
    Malformed("n zero", field("n", 0), 400, "n: 0"),
    Malformed("n eleven", field("n", 11), 400, "n: 11"),
    Malformed("n a text", field("n", "2"), 400, "n: '2'"),
    Malformed("n a fraction", field("n", 1.5), 400, "n: 1.5"),
    Malformed("n true", field("n", True), 400, "n: True"),
    Malformed("n a million digits", field("n", 10**300), 400, "n: "),
    Malformed("size unknown", field("size", "512x512"), 400, "size: '512x512'"),
    Malformed("size no size", field("size", "huge"), 400, "64x64 or 96x64 or 64x96"),
    Malformed("size a number", field("size", 64), 400, "size: 64"),
    Malformed("size in other digits", field("size", "٦٤x٦٤"), 400, "size: "),
    Malformed("seed negative", field("seed", -1), 400, "seed: -1"),
    Malformed("seed of 33 bits", field("seed", 2**32), 400, "seed: 4294967296"),
    Malformed("seed of 300 digits", field("seed", 10**300), 400, "seed: "),
    Malformed("steps zero", field("steps", 0), 400, "steps: 0"),
    Malformed("steps too many", field("steps", 51), 400, "1 to 50 is wanted"),
    Malformed("guidance too high", field("guidance", 30.1), 400, "guidance: 30.1"),
    Malformed("guidance a text", field("guidance", "7.5"), 400, "guidance: '7.5'"),
    Malformed("lora unknown", field("lora", "../../etc/passwd"), 400, "ink or clay"),
    Malformed(
        "url without a bucket",
        field("response_format", "url"),
        400,
        "b64_json is wanted",
    ),
    Malformed("unknown field", field("sampler", "euler"), 400, "sampler: is not known"),
    Malformed("other's word", field("guidance_scale", 3), 400, "is called guidance here"),
    Malformed("field of odd name", field("\x00\n" * 500, 1), 400, "is not known"),
    Malformed("__proto__", field("__proto__", {}), 400, "__proto__: is not known"),
    Malformed(
        "many fields",
        json.dumps(dict.fromkeys(map(str, range(9999)), 1)).encode(),
        400,
        "9999",
    ),
    Malformed("deeper lists", b'{"prompt": ' + b"[" * 100_000, 400, "too many values"),
    Malformed("deeper objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400, "many values"),
    Malformed("many values", b'{"x": [0' + b",0" * 10_000 + b"]}", 400, "10000 are allowed"),
    Malformed(
        "7 MiB of empty lists",
        b'{"prompt": "a", "x": [' + b"[]," * 2_400_000 + b"[]]}",
        400,
        "too many values",
        "/invocations",
    ),
    Malformed("2 MiB", field("prompt", "x" * 2**21), 413, "1 MiB"),
    Malformed("text/plain", b'{"prompt": "a fox"}', 415, JSON, content_type="text/plain"),
    Malformed("no content-type", b'{"prompt": "a fox"}', 415, JSON, content_type=None),
    Malformed("a form", PROMPT + END, 415, JSON, content_type=FORM),
    Malformed("edit in JSON", b'{"prompt": "a fox"}', 415, "multipart/form-data", EDITS),
    Malformed("edit without boundary", IMAGE, 400, "boundary", EDITS, "multipart/form-data"),
    Malformed("edit without parts", END, 400, "image: is missing", EDITS, FORM),
    Malformed("edit of nothing", b"", 400, "image: is missing", EDITS, FORM),
    Malformed("edit of garbage", b"\x00" * 1000, 400, "", EDITS, FORM),
    Malformed("edit without end", PROMPT + IMAGE[:80], 400, "image: is missing", EDITS, FORM),
    Malformed("edit without prompt", IMAGE + END, 400, "prompt: is missing", EDITS, FORM),
    Malformed("edit without image", PROMPT + END, 400, "image: is missing", EDITS, FORM),
    Malformed(
        "image as text",
        PROMPT + part("image", b"x") + END,
        400,
        "image: a file",
        EDITS,
        FORM,
    ),
    Malformed(
        "prompt as file",
        IMAGE + part("prompt", b"x", '; filename="x"') + END,
        400,
        "prompt: is a file",
        EDITS,
        FORM,
    ),
    Malformed(
        "prompt twice",
        IMAGE + PROMPT + PROMPT + END,
        400,
        "prompt: is there more",
        EDITS,
        FORM,
    ),
    Malformed("part without name", b"--cut\r\n\r\nx\r\n" + END, 400, "", EDITS, FORM),
    Malformed("30 images", PROMPT + IMAGE * 30 + END, 400, "Too many files", EDITS, FORM),
    Malformed(
        "200 fields",
        b"".join(part(str(each), b"1") for each in range(200)),
        400,
        "Too many fields",
        EDITS,
        FORM,
    ),
    Malformed("21 MiB", IMAGE + b"x" * 21 * 2**20, 413, "20 MiB", EDITS, FORM),
    Malformed("invocation of a list", b"[]", 400, "JSON object", "/invocations"),
    Malformed("invocation of an image only", b'{"image": 1}', 400, "image: ", "/invocations"),
]


@pytest.fixture(scope="module")
def images() -> InstantImages:
    return InstantImages()


@pytest.fixture(scope="module")
def url(images: InstantImages) -> Iterator[str]:
    with served(create_app(settings_with(), images)) as url:
        yield url


def assert_it_goes_on(url: str) -> None:
    answer = httpx.post(url + GENERATIONS, json={"prompt": "a fox"}, timeout=30)
    assert answer.status_code == 200


@pytest.mark.parametrize("wrong", ALL, ids=[each.title for each in ALL])
def test_it_is_told_what_is_wrong(url: str, images: InstantImages, wrong: Malformed) -> None:
    images.asked.clear()
    headers = {} if wrong.content_type is None else {"content-type": wrong.content_type}
    answer = httpx.post(url + wrong.path, content=wrong.body, headers=headers, timeout=30)
    error = answer.json()["error"]
    assert answer.status_code == wrong.status, error
    assert wrong.named in error["message"]
    assert len(error["message"]) < 4000
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert images.asked == []
    assert_it_goes_on(url)


@pytest.mark.parametrize(
    ("path", "content_type", "start", "mebibytes"),
    [
        (GENERATIONS, JSON, b"", 4),
        (EDITS, FORM, IMAGE[:-4], 40),
        ("/invocations", JSON, b"", 40),
    ],
)
def test_a_body_that_does_not_end_is_413_all_the_same(
    url: str, path: str, content_type: str, start: bytes, mebibytes: int
) -> None:
    """In chunks, with no length announced, and answered before the last one has come."""
    host, port = url.removeprefix("http://").split(":")
    chunks = [start or b"{", *[b"x" * 2**16] * (mebibytes * 16)]
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\n"
            "transfer-encoding: chunked\r\n\r\n".encode()
        )
        for chunk in chunks:
            connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        # No chunk says that it was the last.
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert_it_goes_on(url)


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"\x00" * 100,
        b"GET\r\n\r\n",
        b"POST / HTTP/9\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\n",
    ],
)
def test_what_is_no_http_ends_its_own_connection_only(url: str, bytes_sent: bytes) -> None:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(bytes_sent)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    assert_it_goes_on(url)
