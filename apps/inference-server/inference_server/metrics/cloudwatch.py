"""Publishes to CloudWatch what the scaling, the dashboard and the alarms read (docs/server.md).

The names are those of contracts/metrics.ts.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, TypedDict, final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    from inference_server.metrics.tally import Counts, Tally

    class CloudWatchClient(Protocol):
        """Of boto3's, what is used."""

        def put_metric_data(self, *, Namespace: str, MetricData: list[Datum]) -> object: ...  # noqa: N803


logger = logging.getLogger(__name__)

STACK_DIMENSION = "stack"

#: Twice in each period of 10 s for which KEDA asks, so that none is without a pod's figure.
PERIOD_SECONDS = 5.0

#: Different values of one metric in one call. Source: CloudWatch API reference, PutMetricData.
MOST_VALUES = 150

#: Of one call; at a stop, it is what a call may hold up.
CALL_SECONDS = 5

#: Of the last publish: less than what Kubernetes leaves between the drain and SIGKILL.
STOP_SECONDS = 6.0


class Dimension(TypedDict):
    Name: str
    Value: str


class _Named(TypedDict):
    MetricName: str
    Dimensions: list[Dimension]
    Unit: str
    StorageResolution: int


@final
class One(_Named):
    """The API's MetricDatum, with one value."""

    Value: float


@final
class Several(_Named):
    """The API's MetricDatum, with different values and how often each was there."""

    Values: list[float]
    Counts: list[float]


Datum = One | Several


def metric_data(unit: str, stack: str, counts: Counts, in_flight: float | None) -> list[Datum]:
    """One call's data. `in_flight` is this pod's average since the last call; None: left out."""

    def named(name: str, of: str) -> _Named:
        return {
            "MetricName": f"{unit}-{name}",
            "Dimensions": [{"Name": STACK_DIMENSION, "Value": stack}],
            "Unit": of,
            "StorageResolution": 1,
        }

    data: list[Datum] = [One(**named("counter", "Count"), Value=counts.images)]
    if in_flight is not None:
        data.append(One(**named("in-flight", "Count"), Value=round(in_flight, 3)))
    data.append(One(**named("errors", "Count"), Value=counts.errors))
    # The alarm wants a percentile, which a statistic set would not give.
    if latencies := at_most(MOST_VALUES, counts.latencies):
        how_often: list[float] = list(latencies.values())
        data.append(
            Several(**named("latency", "Seconds"), Values=list(latencies), Counts=how_often)
        )
    return data


def at_most(most: int, values: Mapping[float, int]) -> dict[float, int]:
    """Values and how often each was there, as `most` different ones, in order.

    Neighbours are put together where there are more: as many, and the same sum.
    """
    ordered = sorted(values.items())
    if len(ordered) <= most:
        return dict(ordered)
    run = -(-len(ordered) // most)
    together: dict[float, int] = {}
    for start in range(0, len(ordered), run):
        neighbours = ordered[start : start + run]
        count = sum(each for _, each in neighbours)
        mean = sum(value * each for value, each in neighbours) / count
        together[mean] = together.get(mean, 0) + count
    return together


class CloudWatchPublisher:
    """Publishes every few seconds, from a thread of its own, zeros too.

    What is in flight is the average over the time since the last call: what an instant would miss
    is in it, and it is what the scaling's target is computed of (throughput times latency). Only a
    pod that is ready tells it: the autoscaler takes the average over all that do, and multiplies
    it by the ready ones, so zeros of pods that still load would hold it back when it matters.

    What could not be published is in the next call. Only when a call has arrived and its answer
    has not, its counts arrive twice: the API knows no repeated call from a new one.
    """

    def __init__(
        self,
        tally: Tally,
        *,
        namespace: str,
        region: str,
        unit: str,
        stack: str,
        is_ready: Callable[[], bool],
        period_seconds: float = PERIOD_SECONDS,
    ) -> None:
        self._tally = tally
        self._is_ready = is_ready
        self._namespace = namespace
        self._region = region
        self._unit = unit
        self._stack = stack
        self._period_seconds = period_seconds
        self._client: CloudWatchClient | None = None
        self._failures = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cloudwatch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Publishes a last time, and waits for it: some seconds, when CloudWatch is away."""
        self._stopping.set()
        if self._thread.is_alive():
            # It is a daemon: a last call that hangs costs its counts, not a clean exit.
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        due = time.monotonic()
        stopping = False
        while not stopping:
            # After a call that took longer than a period, the next one is not made up for.
            due = max(due + self._period_seconds, time.monotonic())
            stopping = self._stopping.wait(max(0.0, due - time.monotonic()))
            self._publish()

    def _publish(self) -> None:
        counts, average = self._tally.take()
        in_flight = average if self._is_ready() else None
        try:
            self._client = self._client or cloudwatch_client(self._region)
            self._client.put_metric_data(
                Namespace=self._namespace,
                MetricData=metric_data(self._unit, self._stack, counts, in_flight),
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the next call comes soon.
            self._tally.put_back(counts)
            self._failures += 1
            if self._failures == 1:
                logger.warning("metrics are not published, and are kept: %s", error)
            return
        if self._failures:
            logger.info("metrics are published again, after %d calls that failed", self._failures)
            self._failures = 0


def cloudwatch_client(region: str) -> CloudWatchClient:
    """Tries each call once: the next one has its counts, and a second try would be late."""
    # Not at the top: it takes a good part of a second, which the server's start need not wait for.
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    # A session of its own: the default one is not made for threads.
    client: CloudWatchClient = boto3.session.Session().client(
        "cloudwatch",
        region_name=region,
        config=Config(
            connect_timeout=CALL_SECONDS,
            read_timeout=CALL_SECONDS,
            retries={"total_max_attempts": 1},
        ),
    )
    return client
