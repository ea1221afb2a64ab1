"""What the kubelet, load balancers and Prometheus ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from instant_images import InstantImages
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families
from served_app import served, settings_with, wait_until

from inference_server.api.app import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def images() -> InstantImages:
    return InstantImages()


@pytest.fixture
def url(images: InstantImages) -> Iterator[str]:
    registry = CollectorRegistry()
    Counter("foxes", "Foxes.", registry=registry).inc(3)
    with served(create_app(settings_with(), images, registry=registry)) as url:
        yield url


def test_health_is_200_whatever_becomes_of_the_model(url: str, images: InstantImages) -> None:
    images.facts = None
    images.be_unready()
    assert httpx.get(f"{url}/health").status_code == 200


def test_health_and_readiness_answer_while_images_are_made(url: str, images: InstantImages) -> None:
    images.is_slow = True
    with httpx.Client() as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post(f"{url}/v1/images/generations", json={"prompt": "a fox"}, timeout=0.3)
        assert client.get(f"{url}/health").status_code == 200
        assert client.get(f"{url}/readiness").status_code == 200
    wait_until(lambda: images.cancelled == 1)


def test_readiness_follows_the_model_and_says_what_is_wrong(
    url: str, images: InstantImages
) -> None:
    for path in ("/readiness", "/ping"):
        assert httpx.get(url + path).status_code == 200
    assert httpx.get(f"{url}/readiness").json() == {"ready": True}
    images.be_unready()
    for path in ("/readiness", "/ping"):
        assert httpx.get(url + path).status_code == 503
    assert httpx.get(f"{url}/readiness").json() == {
        "ready": False,
        "problem": images.problem,
    }


def test_metrics_are_the_registrys_in_prometheus_text(url: str) -> None:
    answer = httpx.get(f"{url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    values = {
        sample.name: sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert values["foxes_total"] == 3


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/images/generations", 405),
        ("DELETE", "/invocations", 405),
        ("POST", "/health", 405),
        ("GET", "/nowhere", 404),
        ("POST", "/v1/images/generations/", 404),
        ("POST", "/v1/images/variations", 404),
    ],
)
def test_what_is_not_there_is_an_error_of_openais_form(
    url: str, method: str, path: str, status: int
) -> None:
    answer = httpx.request(method, url + path)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert answer.headers["x-request-id"]
