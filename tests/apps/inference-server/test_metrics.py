"""What Prometheus sees is what has happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from served_app import settings_with

from inference_server import __version__
from inference_server.metrics.metrics import Metrics

if TYPE_CHECKING:
    from inference_server.api.observed import RequestObserver
    from inference_server.scheduling.observer import BatchObserver

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@dataclass
class Server:
    problem: str | None = None


@dataclass
class Device:
    utilisation: float | None = None


def scraped(metrics: Metrics) -> Samples:
    text = generate_latest(metrics.registry).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def one(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def test_counts_requests_by_class_of_status_and_images_and_latency_of_those_that_got_them() -> None:
    metrics = Metrics(settings_with())
    observer: RequestObserver = metrics
    for status, seconds, images in ((200, 0.85, 2), (200, 0.95, 1), (422, 0.001, 0), (503, 0.1, 0)):
        observer.began()
        observer.ended(status, seconds, images)
    observer.began()
    observer.ended(499, 0.2, 0)
    observer.began()
    samples = scraped(metrics)
    for each, count in (("2xx", 2), ("3xx", 0), ("4xx", 2), ("5xx", 1)):
        assert one(samples, "inference_requests_total", status=each) == count
    assert one(samples, "inference_images_total") == 3
    assert one(samples, "inference_in_flight_requests") == 1
    assert one(samples, "inference_latency_seconds_count") == 2
    assert one(samples, "inference_latency_seconds_bucket", le="0.9") == 1
    assert one(samples, "inference_latency_seconds_bucket", le="120.0") == 2


def test_tells_of_batches_the_queue_workers_and_steps_of_loading() -> None:
    metrics = Metrics(settings_with())
    observer: BatchObserver = metrics
    observer.queued(3)
    observer.batch_made(3, [0.004, 0.3, 0.3], 0.7)
    observer.worker_failed()
    observer.step("read", 12.5)
    observer.step("warm-up", 40.0)
    observer.step("read", 11.0)
    samples = scraped(metrics)
    assert one(samples, "inference_queued_images") == 3
    assert one(samples, "inference_batch_images_sum") == 3
    assert one(samples, "inference_batch_images_count") == 1
    assert one(samples, "inference_queue_seconds_count") == 3
    assert one(samples, "inference_queue_seconds_bucket", le="0.005") == 1
    assert one(samples, "inference_run_seconds_sum") == 0.7
    assert one(samples, "inference_worker_failures_total") == 1
    assert one(samples, "inference_loading_step_seconds", step="read") == 11
    assert one(samples, "inference_loading_step_seconds", step="warm-up") == 40


def test_utilisation_that_no_driver_gives_is_absent_and_not_zero() -> None:
    metrics = Metrics(settings_with())
    devices = [Device(), Device()]
    metrics.watch(Server(), devices)
    assert not [name for name, _ in scraped(metrics) if "utilisation" in name]
    devices[1].utilisation = 0.25
    samples = scraped(metrics)
    assert one(samples, "inference_device_utilisation_ratio", device="1") == 0.25
    assert ("inference_device_utilisation_ratio", frozenset({("device", "0")})) not in samples
    devices[1].utilisation = None
    assert not [name for name, _ in scraped(metrics) if "utilisation" in name]


def test_ready_is_what_the_server_is_at_the_scrape() -> None:
    metrics = Metrics(settings_with())
    server = Server("is loading")
    metrics.watch(server, [])
    assert one(scraped(metrics), "inference_ready") == 0
    server.problem = None
    assert one(scraped(metrics), "inference_ready") == 1


def test_says_what_runs_here_and_has_no_other_names_than_its_own() -> None:
    metrics = Metrics(settings_with(unit="sd21-inf2-neuron", model="sd21", framework="neuron"))
    metrics.watch(Server(), [Device(0.5)])
    samples = scraped(metrics)
    build = {"unit": "sd21-inf2-neuron", "model": "sd21", "framework": "neuron"}
    assert one(samples, "inference_build_info", version=__version__, **build) == 1
    assert all(name.startswith("inference_") for name, _ in samples)


def test_two_servers_of_one_process_count_apart() -> None:
    one_of_two, other = Metrics(settings_with()), Metrics(settings_with())
    one_of_two.began()
    one_of_two.ended(200, 1.0, 1)
    assert one(scraped(one_of_two), "inference_images_total") == 1
    assert one(scraped(other), "inference_images_total") == 0
