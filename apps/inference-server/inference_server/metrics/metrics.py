"""Takes what the API and the scheduler tell, for Prometheus and for CloudWatch."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from inference_server import __version__
from inference_server.metrics.cloudwatch import PERIOD_SECONDS, CloudWatchPublisher
from inference_server.metrics.prometheus import PrometheusMetrics
from inference_server.metrics.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prometheus_client import CollectorRegistry

    from inference_server.loading.steps import Step
    from inference_server.settings import Settings


class Readiness(Protocol):
    @property
    def problem(self) -> str | None:
        """Why it is not ready. None: it is."""


class Device(Protocol):
    @property
    def utilisation(self) -> float | None:
        """0 to 1. None: nobody knows."""


class Metrics:
    """Implements RequestObserver and BatchObserver: no call of theirs waits for anything."""

    def __init__(self, settings: Settings, period_seconds: float = PERIOD_SECONDS) -> None:
        self._prometheus = PrometheusMetrics(
            {
                "model": settings.model,
                "unit": settings.unit,
                "framework": settings.framework,
                "version": __version__,
            }
        )
        self._readiness: Readiness | None = None
        self._tally: Tally | None = None
        self._cloudwatch: CloudWatchPublisher | None = None
        if settings.metric_namespace is not None and settings.aws_region is not None:
            self._tally = Tally()
            self._cloudwatch = CloudWatchPublisher(
                self._tally,
                namespace=settings.metric_namespace,
                region=settings.aws_region,
                unit=settings.unit,
                stack=settings.stack,
                is_ready=self._is_ready,
                period_seconds=period_seconds,
            )

    @property
    def registry(self) -> CollectorRegistry:
        return self._prometheus.registry

    def watch(self, readiness: Readiness, devices: Sequence[Device]) -> None:
        """Asks them whenever Prometheus asks, or something is published."""
        self._readiness = readiness
        self._prometheus.watch(self._is_ready, lambda: [each.utilisation for each in devices])

    def _is_ready(self) -> bool:
        return self._readiness is not None and self._readiness.problem is None

    def start(self) -> None:
        """Publishes from now on, where the settings name a namespace."""
        if self._cloudwatch:
            self._cloudwatch.start()

    async def stop(self) -> None:
        """Publishes a last time."""
        if self._cloudwatch:
            await asyncio.to_thread(self._cloudwatch.stop)

    def began(self) -> None:
        self._prometheus.began()
        if self._tally:
            self._tally.began()

    def ended(self, status: int, latency_seconds: float, images: int) -> None:
        self._prometheus.ended(status, latency_seconds, images)
        if self._tally:
            self._tally.ended(status, latency_seconds, images)

    def batch_made(self, size: int, queue_seconds: Sequence[float], run_seconds: float) -> None:
        self._prometheus.batch_made(size, queue_seconds, run_seconds)

    def queued(self, images: int) -> None:
        self._prometheus.queued(images)

    def worker_failed(self) -> None:
        self._prometheus.worker_failed()

    def step(self, name: Step, seconds: float) -> None:
        self._prometheus.step(name, seconds)
