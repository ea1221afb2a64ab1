"""What Prometheus can ask of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

#: Seconds, close together around the objective of 0.9 s (seed 001), up to the longest image.
LATENCY_BUCKETS = (
    *(0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35),
    *(1.5, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120),
)

#: Seconds. Short ones show whether batches wait for others, long ones whether the queue is full.
QUEUE_BUCKETS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.9, 2, 5, 10, 30, 60, 120)

BATCH_BUCKETS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)

#: Of answers: "499" is a client that has gone.
STATUS_CLASSES = ("2xx", "3xx", "4xx", "5xx")


def status_class(status: int) -> str:
    return f"{status // 100}xx"


class PrometheusMetrics:
    """In a registry of its own, so that a process can have several servers."""

    def __init__(self, build: Mapping[str, str]) -> None:
        """`build` says what runs: label and value."""
        # A time for each series, that nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "inference_requests",
            "Requests for images that were answered, by class of status.",
            ["status"],
            registry=registry,
        )
        for each in STATUS_CLASSES:
            self._requests.labels(each)
        self._latency = Histogram(
            "inference_latency_seconds",
            "From request to answer, of those answered with images.",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self._images = Counter(
            "inference_images", "Images that were given to clients.", registry=registry
        )
        self._in_flight = Gauge(
            "inference_in_flight_requests", "Requests that wait for an answer.", registry=registry
        )
        self._queued = Gauge(
            "inference_queued_images", "Images that wait for a device.", registry=registry
        )
        self._batch = Histogram(
            "inference_batch_images",
            "Images of one call of the pipeline.",
            buckets=BATCH_BUCKETS,
            registry=registry,
        )
        self._queue = Histogram(
            "inference_queue_seconds",
            "How long an image waited for a device and for its batch.",
            buckets=QUEUE_BUCKETS,
            registry=registry,
        )
        self._run = Histogram(
            "inference_run_seconds",
            "How long a batch took on its device.",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self._failures = Counter(
            "inference_worker_failures",
            "Devices or their processes that failed, while they loaded or later.",
            registry=registry,
        )
        self._step = Gauge(
            "inference_loading_step_seconds",
            "How long a step of loading took, the last time.",
            ["step"],
            registry=registry,
        )
        Info("inference_build", "What runs here.", registry=registry).info(dict(build))

    def began(self) -> None:
        self._in_flight.inc()

    def ended(self, status: int, latency_seconds: float, images: int) -> None:
        self._in_flight.dec()
        self._requests.labels(status_class(status)).inc()
        self._images.inc(images)
        if status < 400:
            self._latency.observe(latency_seconds)

    def batch_made(self, size: int, queue_seconds: Sequence[float], run_seconds: float) -> None:
        self._batch.observe(size)
        self._run.observe(run_seconds)
        for each in queue_seconds:
            self._queue.observe(each)

    def queued(self, images: int) -> None:
        self._queued.set(images)

    def worker_failed(self) -> None:
        self._failures.inc()

    def step(self, name: str, seconds: float) -> None:
        self._step.labels(name).set(seconds)

    def watch(
        self, ready: Callable[[], bool], utilisation: Callable[[], Sequence[float | None]]
    ) -> None:
        """Asks at each scrape whether the server is ready, and of each device's utilisation."""
        Gauge(
            "inference_ready",
            "1 when every device has the model loaded and warm, 0 otherwise.",
            registry=self.registry,
        ).set_function(lambda: float(ready()))
        self.registry.register(_Utilisation(utilisation))


class _Utilisation(Collector):
    """Of each device whose driver says it; the others have no series, which is not zero."""

    def __init__(self, utilisation: Callable[[], Sequence[float | None]]) -> None:
        self._utilisation = utilisation

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield self._family()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = self._family()
        for device, value in enumerate(self._utilisation()):
            if value is not None:
                family.add_metric([str(device)], value)
        if family.samples:
            yield family

    @staticmethod
    def _family() -> GaugeMetricFamily:
        return GaugeMetricFamily(
            "inference_device_utilisation_ratio",
            "Of a device, 0 to 1, as its driver says.",
            labels=["device"],
        )
