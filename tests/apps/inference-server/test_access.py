"""API keys: who may ask, how often, how many at once, and how keys are rotated."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import openai
import pytest
from instant_images import InstantImages
from served_app import served, settings_with, wait_until
from server_process import server_process

from inference_server.access.admission import (
    KeyAdmission,
    TooManyRequestsError,
    UnknownKeyError,
)
from inference_server.access.keys import KeysFile, parse_keys
from inference_server.access.token_bucket import TokenBucket
from inference_server.api.app import create_app
from inference_server.errors import UserError

if TYPE_CHECKING:
    from fastapi import FastAPI


def entry(tenant: str, key: str, **limits: object) -> dict[str, object]:
    return {
        "tenant": tenant,
        "sha256": hashlib.sha256(key.encode()).hexdigest(),
        **limits,
    }


def written(path: Path, *entries: dict[str, object]) -> Path:
    """As a Secret's mount does it: another file in the place of the old one."""
    new = path.with_suffix(".new")
    new.write_text(text_of(*entries))
    new.replace(path)
    return path


def text_of(*entries: object) -> str:
    return json.dumps(entries)


def app_with(path: Path, images: InstantImages) -> FastAPI:
    return create_app(settings_with(auth="keys", api_keys_file=path), images)


def client_of(url: str, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def test_who_has_a_key_gets_images_as_its_tenant(path: Path) -> None:
    images = InstantImages()
    written(path, entry("foxes", "fox-key"), entry("owls", "owl-key"))
    with served(app_with(path, images)) as url:
        assert client_of(url, "owl-key").images.generate(prompt="an owl").data
    assert [tenant for _, tenant in images.asked] == ["owls"]


@pytest.mark.parametrize(
    "path_of_request", ["/v1/images/generations", "/v1/images/edits", "/invocations"]
)
def test_without_a_key_or_with_a_wrong_one_nothing_is_made(
    path: Path, path_of_request: str
) -> None:
    images = InstantImages()
    written(path, entry("foxes", "fox-key"))
    with served(app_with(path, images)) as url:
        for value in (None, "", "Bearer", "Bearer wrong", "Basic fox-key", "fox-key"):
            headers = {} if value is None else {"authorization": value}
            answer = httpx.post(url + path_of_request, json={"prompt": "x"}, headers=headers)
            assert answer.status_code == 401, value
            assert answer.json()["error"]["code"] == "invalid_api_key"
        # Of Latin-1 and of no text at all.
        odd = httpx.post(url + path_of_request, headers={b"authorization": b"Bearer \xff\xfe"})
        assert odd.status_code == 401
    assert images.asked == []


def test_openais_client_raises_its_authentication_error(path: Path) -> None:
    written(path, entry("foxes", "fox-key"))
    with (
        served(app_with(path, InstantImages())) as url,
        pytest.raises(openai.AuthenticationError) as raised,
    ):
        client_of(url, "wrong-key").images.generate(prompt="a fox")
    assert "wrong-key" not in raised.value.message


def test_probes_need_no_key(path: Path) -> None:
    written(path, entry("foxes", "fox-key"))
    with served(app_with(path, InstantImages())) as url:
        for free in ("/health", "/readiness", "/metrics", "/ping"):
            assert httpx.get(url + free).status_code == 200


def test_more_than_a_minutes_requests_are_429_with_retry_after(path: Path) -> None:
    written(path, entry("foxes", "fox-key", requestsPerMinute=3), entry("owls", "owl-key"))
    with served(app_with(path, InstantImages())) as url:
        client = client_of(url, "fox-key")
        for _ in range(3):
            client.images.generate(prompt="a fox")
        with pytest.raises(openai.RateLimitError) as raised:
            client.images.generate(prompt="a fox")
        assert 1 <= int(raised.value.response.headers["retry-after"]) <= 20
        assert raised.value.code == "rate_limit_exceeded"
        assert client_of(url, "owl-key").images.generate(prompt="an owl").data


def test_more_than_its_concurrency_is_429_until_one_has_ended(path: Path) -> None:
    images = InstantImages()
    written(path, entry("foxes", "fox-key", concurrency=1))
    with served(app_with(path, images)) as url:
        client = client_of(url, "fox-key")
        images.is_slow = True
        first = threading.Thread(target=lambda: client.images.generate(prompt="a fox"))
        first.start()
        wait_until(lambda: images.under_way == 1)
        with pytest.raises(openai.RateLimitError) as raised:
            client.images.generate(prompt="a fox")
        assert raised.value.response.headers["retry-after"] == "1"
        images.is_slow = False
        first.join()
        assert client.images.generate(prompt="a fox").data


def test_a_request_that_fails_or_whose_client_goes_is_not_under_way_any_more(
    path: Path,
) -> None:
    images = InstantImages()
    written(path, entry("foxes", "fox-key", concurrency=1))
    with served(app_with(path, images)) as url:
        client = client_of(url, "fox-key")
        for _ in range(3):
            with pytest.raises(openai.BadRequestError):
                client.images.generate(prompt="")
        images.is_slow = True
        with pytest.raises(openai.APITimeoutError):
            client.images.generate(prompt="a fox", timeout=0.3)
        wait_until(lambda: images.cancelled == 1)
        images.is_slow = False
        assert client.images.generate(prompt="a fox").data


def test_a_rotated_file_is_read_while_the_server_runs(path: Path) -> None:
    written(path, entry("foxes", "old-key"))
    with served(app_with(path, InstantImages())) as url:
        assert client_of(url, "old-key").images.generate(prompt="a fox").data
        written(path, entry("foxes", "new-key"))
        assert client_of(url, "new-key").images.generate(prompt="a fox").data
        with pytest.raises(openai.AuthenticationError):
            client_of(url, "old-key").images.generate(prompt="a fox")


def test_a_broken_new_file_keeps_the_old_keys_and_is_logged_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = KeysFile(written(path, entry("foxes", "fox-key")))
    before = keys.entries()
    path.write_text('[{"tenant": "foxes", "sha256": "a-key-in-clear"}]')
    with caplog.at_level(logging.ERROR):
        assert [keys.entries() for _ in range(3)] == [before] * 3
        assert len(caplog.records) == 1
        assert "a-key-in-clear" not in caplog.text
        path.unlink()
        assert [keys.entries() for _ in range(3)] == [before] * 3
        assert len(caplog.records) == 2
    written(path, entry("owls", "owl-key"))
    assert [each.tenant for each in keys.entries()] == ["owls"]


def test_the_last_key_can_be_revoked_and_nobody_is_admitted_then(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    admission = KeyAdmission(KeysFile(written(path, entry("foxes", "fox-key"))))
    written(path)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with pytest.raises(UnknownKeyError), admission.admitted("Bearer fox-key"):
                pass
        assert [record.getMessage() for record in caplog.records] == [
            f"API_KEYS_FILE {path}: holds no key: nobody is admitted"
        ]
        # Nor does a file that is away bring them back.
        path.unlink()
        with pytest.raises(UnknownKeyError), admission.admitted("Bearer fox-key"):
            pass
    written(path, entry("foxes", "fox-key"))
    with admission.admitted("Bearer fox-key") as tenant:
        assert tenant == "foxes"


def test_a_file_that_is_away_keeps_its_keys_and_the_log_says_how_to_revoke_them(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    admission = KeyAdmission(KeysFile(written(path, entry("foxes", "fox-key"))))
    path.unlink()
    with caplog.at_level(logging.ERROR), admission.admitted("Bearer fox-key") as tenant:
        assert tenant == "foxes"
    assert "the keys of before stay; [] in it would revoke them" in caplog.text


@pytest.mark.parametrize("source", ["API_KEYS", "API_KEYS_FILE"])
def test_a_server_that_starts_without_any_key_admits_nobody_and_says_so(
    source: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = {"api_keys": "[]"} if source == "API_KEYS" else {"api_keys_file": written(path)}
    images = InstantImages()
    with caplog.at_level(logging.WARNING):
        app = create_app(settings_with(auth="keys", **given), images)
    assert source in caplog.text
    assert "holds no key: nobody is admitted" in caplog.text
    with served(app) as url, pytest.raises(openai.AuthenticationError):
        client_of(url, "fox-key").images.generate(prompt="a fox")
    assert images.asked == []


def test_what_is_wrong_in_the_list_is_named_at_once_and_no_secret_repeated() -> None:
    digest = hashlib.sha256(b"a").hexdigest()
    content = text_of(
        entry("foxes", "a"),
        {"tenant": "", "sha256": "a-key-in-clear", "concurrency": 0},
        {"sha256": "0" * 64, "requestsPerMinute": "60", "limit": 3},
        {digest: "foxes"},
        digest,
        entry("foxes", "a"),
        {"tenant": 3 * digest, "sha256": digest + "a", "concurrency": [digest]},
    )
    with pytest.raises(UserError) as raised:
        parse_keys(content.encode(), "keys.json")
    message = str(raised.value)
    for part in (
        "keys.json",
        "[1].tenant: is wrong: String should have at least 1 character",
        "[1].sha256: is wrong: 64 hexadecimal digits",
        "[1].concurrency: 0",
        "[2].tenant: is missing",
        "[2].requestsPerMinute: '60'",
        "[2].limit: is not known; tenant, sha256, requestsPerMinute, concurrency are",
        "[3].…: is not known",
        "[4]: is wrong: Input should be an object",
        "[6].tenant: is wrong",
        "[6].concurrency: is wrong",
    ):
        assert part in message
    for secret in ("a-key-in-clear", digest):
        assert secret not in message


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b"\xff", b"[" * 10_000, b'"a-key-in-clear"']
)
def test_what_is_no_list_of_keys_is_a_users_error(content: bytes) -> None:
    with pytest.raises(UserError, match=r"^keys\.json:\n") as raised:
        parse_keys(content, "keys.json")
    assert "a-key-in-clear" not in str(raised.value)


def test_a_key_of_two_and_a_tenant_with_two_limits_are_refused() -> None:
    entries = [
        entry("foxes", "a", concurrency=1),
        entry("foxes", "b"),
        entry("owls", "a"),
    ]
    with pytest.raises(UserError) as raised:
        parse_keys(json.dumps(entries).encode(), "keys.json")
    assert "[1].concurrency: None is wrong: tenant 'foxes' has 1 in [0]" in str(raised.value)
    assert "[2].sha256: is in [0] already" in str(raised.value)


def test_the_server_does_not_start_without_its_keys(path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        app_with(path, InstantImages())


def test_the_variable_is_as_good_as_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH", "keys")
    monkeypatch.setenv("API_KEYS", text_of(entry("foxes", "fox-key"), entry("owls", "owl-key")))
    images = InstantImages()
    with served(create_app(settings_with(), images)) as url:
        assert client_of(url, "owl-key").images.generate(prompt="an owl").data
        with pytest.raises(openai.AuthenticationError):
            client_of(url, "wrong-key").images.generate(prompt="an owl")
    assert [tenant for _, tenant in images.asked] == ["owls"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"auth": "keys"}, "API_KEYS, API_KEYS_FILE: are missing, one is wanted"),
        (
            {"auth": "keys", "api_keys": "[]", "api_keys_file": "keys.json"},
            "API_KEYS, API_KEYS_FILE: are both set, one is wanted",
        ),
        ({"api_keys": "[]"}, "AUTH: is missing, and API_KEYS is set: keys or off is wanted"),
        ({"api_keys_file": "keys.json"}, "AUTH: is missing, and API_KEYS_FILE is set"),
    ],
)
def test_one_source_of_keys_is_wanted_and_somebody_says_whether_they_are_asked_for(
    given: dict[str, str], says: str
) -> None:
    with pytest.raises(UserError) as raised:
        settings_with(**given)
    assert says in str(raised.value)


def test_keys_that_are_set_and_explicitly_not_asked_for_are_not_asked_for() -> None:
    settings = settings_with(auth="off", api_keys=text_of(entry("foxes", "fox-key")))
    with served(create_app(settings, InstantImages())) as url:
        assert client_of(url, "any").images.generate(prompt="a fox").data


@pytest.mark.parametrize(
    "text",
    [
        '[{"tenant": "foxes", "sha256": "a-key-in-clear"}]',
        '["a-key-in-clear"]',
        '[{"tenant": "a-key-in-clear"',
        '["a-key-in-clear \udcff"]',
    ],
)
def test_a_mistake_in_the_variable_is_named_and_the_variable_not_repeated(
    text: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("API_KEYS", text)
    with caplog.at_level(logging.DEBUG), pytest.raises(UserError, match="API_KEYS:") as raised:
        create_app(settings_with(auth="keys"), InstantImages())
    assert "a-key-in-clear" not in str(raised.value)
    assert "a-key-in-clear" not in caplog.text


def test_keys_are_in_nothing_that_is_printed_of_the_settings() -> None:
    with pytest.raises(UserError, match="API_KEYS: is wrong: Input should be") as raised:
        settings_with(auth="keys", api_keys=["a-key-in-clear"])
    assert "a-key-in-clear" not in str(raised.value)
    settings = settings_with(auth="keys", api_keys='["a-key-in-clear"]')
    assert "a-key-in-clear" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def parent_of(process: Path) -> int | None:
    """`process` is a folder in /proc, which Linux has. None: it has ended."""
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def test_keys_of_the_variable_get_to_no_worker_no_metric_and_no_log(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    digest = entry("foxes", "fox-key")["sha256"]
    with server_process(
        tmp_path / "model",
        AUTH="keys",
        API_KEYS=text_of(entry("foxes", "fox-key")),
        LOG_LEVEL="debug",
    ) as server:
        server.until_ready()
        assert client_of(server.url, "fox-key").images.generate(prompt="a fox").data
        with pytest.raises(openai.AuthenticationError):
            client_of(server.url, "owl-key").images.generate(prompt="a fox")
        workers = [
            os.fsdecode((each / "environ").read_bytes())
            for each in Path("/proc").glob("[0-9]*")
            if parent_of(each) == server.process.pid
        ]
        assert len(workers) == 1
        metrics = httpx.get(f"{server.url}/metrics").text
        for text in (*workers, metrics, server.said()):
            assert text
            for secret in ("API_KEYS", digest, "fox-key", "owl-key"):
                assert str(secret) not in text


def test_two_keys_of_a_tenant_share_its_limits_and_rotation_gives_nothing_back(
    path: Path,
) -> None:
    now = [100.0]
    limits = {"requestsPerMinute": 2}
    written(path, entry("foxes", "old-key", **limits), entry("foxes", "new-key", **limits))
    admission = KeyAdmission(KeysFile(path), clock=lambda: now[0])

    def ask(key: str) -> None:
        with admission.admitted(f"Bearer {key}") as tenant:
            assert tenant == "foxes"

    ask("old-key")
    ask("new-key")
    for key in ("old-key", "new-key"):
        with pytest.raises(TooManyRequestsError) as raised:
            ask(key)
        assert raised.value.retry_after_seconds == 30
    written(path, entry("foxes", "new-key", requestsPerMinute=3))
    ask("new-key")
    with pytest.raises(TooManyRequestsError):
        ask("new-key")
    now[0] += 20
    ask("new-key")


def test_a_bucket_fills_evenly_to_a_minutes_tokens_and_no_further() -> None:
    bucket = TokenBucket(per_minute=60, now_seconds=0)
    assert [bucket.take(0) for _ in range(60)] == [0.0] * 60
    assert bucket.take(0) == pytest.approx(1)
    assert bucket.take(0.75) == pytest.approx(0.25)
    assert bucket.take(1) == 0
    assert [bucket.take(1000) for _ in range(60)] == [0.0] * 60
    assert bucket.take(1000) > 0
    # A clock that stands still or goes back gives nothing.
    assert bucket.take(500) > 0
