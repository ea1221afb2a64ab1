"""What the scaling, the dashboard and the alarms read arrives, once, whatever happens between."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import random
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from cloudwatch_proxy import CloudWatchProxy, cloudwatch_proxy
from moto_server import CREDENTIALS, moto_server, why_no_moto
from served_app import settings_with, wait_until

from inference_server.metrics import cloudwatch
from inference_server.metrics.metrics import Metrics
from inference_server.metrics.tally import Counts, Tally, rounded

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]

UNIT = "sd21-inf2-neuron"

wants_moto = pytest.mark.skipif(why_no_moto() is not None, reason=why_no_moto() or "")


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with moto_server() as endpoint:
        yield endpoint


@pytest.fixture
def proxy(moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudWatchProxy]:
    with cloudwatch_proxy(moto) as between:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": between.endpoint}.items():
            monkeypatch.setenv(name, value)
        yield between


@dataclass
class Pod:
    """Of a scheduler, what metrics ask."""

    problem: str | None = None


@contextmanager
def publishing(namespace: str, period_seconds: float, pod: Pod | None = None) -> Iterator[Metrics]:
    settings = settings_with(
        unit=UNIT, stack="dev", metric_namespace=namespace, aws_region="us-west-2"
    )
    metrics = Metrics(settings, period_seconds)
    metrics.watch(pod or Pod(), [])
    metrics.start()
    try:
        yield metrics
    finally:
        asyncio.run(metrics.stop())


def metrics_of(moto: str, namespace: str) -> list[Any]:
    client = boto3.client(
        "cloudwatch",
        endpoint_url=moto,
        region_name="us-west-2",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    metrics: list[Any] = client.list_metrics(Namespace=namespace)["Metrics"]
    return metrics


@wants_moto
def test_publishes_under_the_names_dimension_unit_and_resolution_of_the_contract(
    moto: str, proxy: CloudWatchProxy
) -> None:
    with publishing("contract", 60) as metrics:
        for latency in (0.5, 0.5, 0.93):
            metrics.began()
            metrics.ended(200, latency, 2)
        metrics.began()
        metrics.ended(500, 3.0, 0)
    (call,) = proxy.taken
    assert call["Namespace"] == "contract"
    stack = [{"Name": "stack", "Value": "dev"}]
    assert [(each["MetricName"], each["Unit"]) for each in call["MetricData"]] == [
        (f"{UNIT}-counter", "Count"),
        (f"{UNIT}-in-flight", "Count"),
        (f"{UNIT}-errors", "Count"),
        (f"{UNIT}-latency", "Seconds"),
    ]
    for each in call["MetricData"]:
        assert each["Dimensions"] == stack
        assert each["StorageResolution"] == 1
    assert proxy.sum(f"{UNIT}-counter") == 6
    assert proxy.sum(f"{UNIT}-errors") == 1
    (latency_data,) = proxy.data(f"{UNIT}-latency")
    assert (latency_data["Values"], latency_data["Counts"]) == ([0.5, 0.93], [2, 1])
    assert {each["MetricName"] for each in metrics_of(moto, "contract")} == {
        f"{UNIT}-{name}" for name in ("counter", "in-flight", "errors", "latency")
    }


@wants_moto
def test_publishes_zeros_while_nothing_happens(proxy: CloudWatchProxy) -> None:
    with publishing("zeros", 0.05):
        wait_until(lambda: len(proxy.taken) >= 3)
    for name in ("counter", "in-flight", "errors"):
        assert [each["Value"] for each in proxy.data(f"{UNIT}-{name}")][:3] == [0, 0, 0]
    assert proxy.data(f"{UNIT}-latency") == []


@wants_moto
def test_tells_what_is_in_flight_only_while_it_is_ready(proxy: CloudWatchProxy) -> None:
    pod = Pod(problem="the model is being read")
    with publishing("loading", 0.05, pod):
        wait_until(lambda: len(proxy.taken) >= 3)
        assert proxy.data(f"{UNIT}-in-flight") == []
        assert [each["Value"] for each in proxy.data(f"{UNIT}-counter")][:3] == [0, 0, 0]
        pod.problem = None
        wait_until(lambda: len(proxy.data(f"{UNIT}-in-flight")) > 0)


@wants_moto
@pytest.mark.parametrize("fault", ["503", "dropped"])
def test_calls_that_fail_lose_nothing_double_nothing_and_are_logged_once(
    fault: str, proxy: CloudWatchProxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "inference_server.metrics.cloudwatch")
    proxy.faults = [fault] * 3
    with publishing(f"fault-{fault}", 0.05) as metrics:
        for number in range(40):
            metrics.began()
            metrics.ended(200 if number % 4 else 500, 0.25, 1 if number % 4 else 0)
            if number % 10 == 0:
                wait_until(functools.partial(proxy.is_asked_again, proxy.asked))
        wait_until(lambda: len(proxy.taken) >= 2)
    assert proxy.sum(f"{UNIT}-counter") == 30
    assert proxy.sum(f"{UNIT}-errors") == 10
    assert proxy.sum(f"{UNIT}-latency") == 30 * 0.25
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


@wants_moto
def test_a_cloudwatch_that_does_not_answer_holds_up_nobody(proxy: CloudWatchProxy) -> None:
    proxy.answers.clear()
    with publishing("silent", 0.05) as metrics:
        wait_until(lambda: proxy.asked == 1)

        async def serve() -> None:
            for _ in range(1000):
                metrics.began()
                await asyncio.sleep(0)
                metrics.ended(200, 0.1, 1)

        asyncio.run(serve())
        assert proxy.taken == []
        proxy.answers.set()
    assert proxy.sum(f"{UNIT}-counter") == 1000


@wants_moto
def test_what_came_after_the_last_period_is_published_at_the_stop(proxy: CloudWatchProxy) -> None:
    with publishing("stop", 3600) as metrics:
        metrics.began()
        metrics.ended(200, 0.1, 4)
        assert proxy.taken == []
    assert proxy.sum(f"{UNIT}-counter") == 4


def test_nothing_is_published_where_no_namespace_is_given(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics(settings_with(metric_namespace=None), 0.01)
    metrics.start()
    metrics.began()
    metrics.ended(200, 0.1, 1)
    asyncio.run(metrics.stop())
    assert caplog.records == []


def test_in_flight_is_the_average_over_the_time_since_the_last_call() -> None:
    now = 0.0
    tally = Tally(lambda: now)
    now = 1.0
    tally.began()
    tally.began()
    now = 3.0
    tally.ended(200, 2.0, 1)
    now = 5.0
    assert tally.take()[1] == pytest.approx((0 * 1 + 2 * 2 + 1 * 2) / 5)
    now = 10.0
    assert tally.take()[1] == 1
    tally.ended(499, 9.0, 0)
    now = 15.0
    assert tally.take()[1] == 0


def test_a_call_has_at_most_150_latencies_which_are_as_many_and_have_the_same_sum() -> None:
    drawn = random.Random(7)
    latencies = [drawn.lognormvariate(0, 1.5) for _ in range(20_000)]
    tally = Tally()
    for each in latencies:
        tally.began()
        tally.ended(200, each, 1)
    counts, in_flight = tally.take()
    kept = [rounded(each) for each in latencies]
    data = cloudwatch.metric_data(UNIT, "dev", counts, in_flight)[-1]
    assert "Values" in data
    values, how_often = data["Values"], data["Counts"]
    assert len(values) == len(set(values)) <= 150
    assert sum(how_often) == len(latencies)
    total = sum(value * times for value, times in zip(values, how_often, strict=True))
    assert total == pytest.approx(sum(kept))
    # The alarm's percentile is where it was.
    rank, p90 = 0.0, 0.0
    for value, times in zip(values, how_often, strict=True):
        p90 = value if rank < 0.9 * len(latencies) else p90
        rank += times
    assert p90 == pytest.approx(sorted(latencies)[int(0.9 * len(latencies))], rel=0.02)


def test_fifty_latencies_arrive_as_they_are() -> None:
    counts = Counts()
    counts.latencies.update({number / 100: number for number in range(50, 0, -1)})
    assert cloudwatch.at_most(150, counts.latencies) == counts.latencies


def test_what_is_kept_of_latencies_is_bounded_and_exact_to_half_a_percent() -> None:
    drawn = random.Random(7)
    tally = Tally()
    for _ in range(20_000):
        latency = 10 ** drawn.uniform(-3, 4)
        assert rounded(latency) == pytest.approx(latency, rel=0.005)
        tally.began()
        tally.ended(200, latency, 1)
    assert len(tally.take()[0].latencies) <= 7 * 900 + 1
    assert rounded(0) == rounded(-1) == 0.001
    assert rounded(1e9) == 10_000


@pytest.mark.skipif(
    shutil.which("node") is None or not (ROOT / "node_modules/ts-node").exists(),
    reason="there is no Node with the repository's packages",
)
def test_the_names_are_those_that_the_program_reads() -> None:
    script = (
        'const m = require("./contracts/metrics"); JSON.stringify({ dimension: m.STACK_DIMENSION,'
        " names: [m.counterMetric, m.inFlightMetric, m.errorMetric, m.latencyMetric]"
        f'.map((of) => of("{UNIT}")) }})'
    )
    said = subprocess.run(
        ["node", "-r", "ts-node/register/transpile-only", "-p", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    contract = json.loads(said.stdout)
    counts = Counts()
    counts.latencies[1.0] = 1
    data = cloudwatch.metric_data(UNIT, "dev", counts, 0)
    assert [each["MetricName"] for each in data] == contract["names"]
    assert [each["Dimensions"][0]["Name"] for each in data] == [contract["dimension"]] * 4
