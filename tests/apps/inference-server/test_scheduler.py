from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest
from drawing_framework import MAX_BATCH, SIZES, drawn
from drawing_workers import batches, is_alive, job, scheduler_on, until, worker

from inference_server.errors import (
    JobRefusedError,
    NotReadyError,
    QueueFullError,
    UserError,
    WorkerFailedError,
)
from inference_server.scheduling.observer import Unobserved
from inference_server.scheduling.retry_after import RecentBatches, retry_after_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from inference_server.job import Made
    from inference_server.loading.steps import Step
    from inference_server.scheduling.scheduler import Scheduler


class Notes(Unobserved):
    """A BatchObserver that remembers."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, list[float], float]] = []
        self.queue: list[int] = []
        self.failures = 0
        self.steps: list[Step] = []

    def batch_made(self, size: int, queue_seconds: Sequence[float], run_seconds: float) -> None:
        self.batches.append((size, list(queue_seconds), run_seconds))

    def queued(self, images: int) -> None:
        self.queue.append(images)

    def worker_failed(self) -> None:
        self.failures += 1

    def step(self, name: Step, seconds: float) -> None:
        assert seconds >= 0
        self.steps.append(name)


def asked(
    scheduler: Scheduler, *prompts: str, tenant: str = "a", size: int = 0
) -> asyncio.Task[list[Made]]:
    """One request of so many images."""
    return asyncio.create_task(
        scheduler.make([job(prompt, size=SIZES[size]) for prompt in prompts], tenant)
    )


async def hold(scheduler: Scheduler, folder: Path) -> asyncio.Task[list[Made]]:
    """A request that keeps the worker busy until `go`."""
    before = len(batches(folder))
    task = asked(scheduler, "wait")
    await until(lambda: len(batches(folder)) > before, "the batch has begun")
    return task


def go(folder: Path) -> None:
    (folder / "go").touch()


def test_requests_of_one_shape_that_wait_together_run_together(tmp_path: Path) -> None:
    notes = Notes()

    async def check() -> None:
        async with scheduler_on([worker(tmp_path)], queue_images=100, observer=notes) as scheduler:
            made = await asyncio.gather(
                *(scheduler.make([job(seed=n)], f"tenant {n % 7}") for n in range(64))
            )
            for n, (one,) in enumerate(made):
                assert one.picture == drawn(job(seed=n))
                assert 1 <= one.batch_size <= MAX_BATCH
                assert one.queue_seconds >= 0
                assert one.run_seconds > 0
            assert scheduler.queued_images == 0

    asyncio.run(check())
    assert 64 / MAX_BATCH <= len(batches(tmp_path)) <= 64 / MAX_BATCH + 2
    assert sum(size for size, _, _ in notes.batches) == 64
    assert all(size == len(waited) for size, waited, _ in notes.batches)
    assert notes.steps == ["import", "find", "read", "warm-up"]
    assert (max(notes.queue), notes.queue[-1]) == (64, 0)


def test_images_of_a_request_come_in_its_order_whatever_their_batches(tmp_path: Path) -> None:
    async def check() -> None:
        async with scheduler_on([worker(tmp_path)]) as scheduler:
            jobs = [job(seed=n, size=SIZES[n % 3]) for n in range(10)]
            made = await scheduler.make(jobs, "a")
            assert [one.picture for one in made] == [drawn(one) for one in jobs]
            assert await scheduler.make([], "a") == []

    asyncio.run(check())


def test_the_first_of_a_batch_waits_for_others_while_the_device_is_free(tmp_path: Path) -> None:
    async def check() -> None:
        async with scheduler_on([worker(tmp_path)], batch_window_seconds=3600) as scheduler:
            tasks = []
            for _ in range(MAX_BATCH):
                await asyncio.sleep(0.02)
                assert not batches(tmp_path)
                tasks.append(asked(scheduler, "a fox"))
            await asyncio.gather(*tasks)

    asyncio.run(check())
    assert batches(tmp_path) == [["a fox"] * MAX_BATCH]


def test_what_is_cancelled_before_it_begins_never_reaches_the_worker(tmp_path: Path) -> None:
    async def check() -> None:
        async with scheduler_on([worker(tmp_path)]) as scheduler:
            held = await hold(scheduler, tmp_path)
            gone = asked(scheduler, "gone", "gone")
            stays = asked(scheduler, "stays")
            await until(lambda: scheduler.queued_images == 3, "three wait")
            gone.cancel()
            held.cancel()
            await asyncio.gather(gone, held, return_exceptions=True)
            assert scheduler.queued_images == 1
            go(tmp_path)
            assert len(await stays) == 1
            assert scheduler.problem is None

    asyncio.run(check())
    assert batches(tmp_path) == [["wait"], ["stays"]]


def test_a_full_queue_refuses_at_once_and_says_when_to_come_again(tmp_path: Path) -> None:
    async def check() -> None:
        async with scheduler_on([worker(tmp_path)], queue_images=3) as scheduler:
            held = await hold(scheduler, tmp_path)
            waiting = asked(scheduler, "one", "two")
            await until(lambda: scheduler.queued_images == 2, "two wait")
            with pytest.raises(QueueFullError, match="2 images wait, there is no room for 2 more"):
                await scheduler.make([job("three"), job("four")], "b")
            assert scheduler.queued_images == 2
            last = asked(scheduler, "three")
            await until(lambda: scheduler.queued_images == 3, "three wait")
            with pytest.raises(QueueFullError) as raised:
                await scheduler.make([job("four")], "b")
            assert not isinstance(raised.value, NotReadyError)
            assert 1 <= raised.value.retry_after_seconds <= 60
            go(tmp_path)
            await asyncio.gather(held, waiting, last)

    asyncio.run(check())


def test_when_to_come_again_follows_the_last_batches() -> None:
    recent = RecentBatches()
    assert retry_after_seconds(recent.seconds_for(100, 1)) == 1
    recent.add(4, 8.0)
    assert recent.seconds_for(6, 1) == 12.0
    assert recent.seconds_for(6, 2) == 6.0
    assert retry_after_seconds(recent.seconds_for(6, 1)) == 12
    assert retry_after_seconds(recent.seconds_for(1000, 1)) == 60
    for _ in range(100):
        recent.add(1, 1.0)
    assert recent.seconds_for(6, 1) == 6.0


def test_before_the_model_is_loaded_it_says_what_it_is_at(tmp_path: Path) -> None:
    (tmp_path / "wait-for").write_text("go")

    async def check() -> None:
        async with scheduler_on([worker(tmp_path)], until_ready=False) as scheduler:
            await until(lambda: "(read, " in (scheduler.problem or ""), "the model is read")
            assert scheduler.facts is None
            with pytest.raises(NotReadyError, match="worker 0 is loading the model") as raised:
                await scheduler.make([job()], "a")
            assert 1 <= raised.value.retry_after_seconds <= 60
            go(tmp_path)
            await until(lambda: scheduler.problem is None, "it is ready")
            assert scheduler.facts is not None
            assert len(await scheduler.make([job()], "a")) == 1

    asyncio.run(check())


@pytest.mark.parametrize("how", ["raise", "die", "hang"])
def test_an_error_of_the_device_fails_its_batch_and_keeps_the_queue(
    tmp_path: Path, how: str
) -> None:
    notes = Notes()

    async def check() -> None:
        each = worker(tmp_path, longest_run_seconds=2)
        async with scheduler_on([each], observer=notes) as scheduler:
            bad = asked(scheduler, "wait", how)
            await until(lambda: batches(tmp_path), "the batch has begun")
            (tmp_path / "wait-for").write_text("load")
            waiting = [asked(scheduler, f"fox {n}", size=n % 2) for n in range(6)]
            await until(lambda: scheduler.queued_images == 6, "six wait")
            go(tmp_path)
            with pytest.raises(WorkerFailedError):
                await bad
            await until(lambda: "(read, " in (scheduler.problem or ""), "it is loaded again")
            assert "worker 0 is started again after an error: " in (scheduler.problem or "")
            assert scheduler.queued_images == 6
            with pytest.raises(NotReadyError):
                await scheduler.make([job()], "a")
            (tmp_path / "load").touch()
            for made in await asyncio.gather(*waiting):
                assert len(made) == 1
            assert scheduler.problem is None

    asyncio.run(check())
    assert notes.failures == 1
    made = [prompt for batch in batches(tmp_path) for prompt in batch]
    assert sorted(made) == sorted(["wait", how, *(f"fox {n}" for n in range(6))])


def test_a_process_that_dies_with_nothing_to_do_is_replaced(tmp_path: Path) -> None:
    async def check() -> None:
        each = worker(tmp_path)
        async with scheduler_on([each]) as scheduler:
            pid = each.pid
            assert pid
            os.kill(pid, signal.SIGKILL)
            await until(lambda: scheduler.problem, "it is missed")
            await until(lambda: scheduler.problem is None, "it is replaced")
            assert each.pid != pid
            assert len(await scheduler.make([job()], "a")) == 1

    asyncio.run(check())


def test_of_a_batch_only_the_culprit_is_refused(tmp_path: Path) -> None:
    async def check() -> None:
        async with scheduler_on([worker(tmp_path)]) as scheduler:
            held = await hold(scheduler, tmp_path)
            tasks = [asked(scheduler, prompt) for prompt in ("one", "refuse", "two")]
            of_two = asked(scheduler, "three", "refuse it too")
            await until(lambda: scheduler.queued_images == 5, "five wait")
            go(tmp_path)
            one, refused, two = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(refused, JobRefusedError)
            assert not isinstance(one, BaseException)
            assert not isinstance(two, BaseException)
            assert one[0].batch_size == two[0].batch_size == 1
            with pytest.raises(JobRefusedError):
                await of_two
            assert scheduler.queued_images == 0
            assert scheduler.problem is None
            await held

    asyncio.run(check())


def test_what_is_cancelled_while_the_culprit_is_looked_for_is_not_made(tmp_path: Path) -> None:
    async def check() -> None:
        async with scheduler_on([worker(tmp_path)]) as scheduler:
            held = await hold(scheduler, tmp_path)
            refused, slow, gone = (
                asked(scheduler, prompt) for prompt in ("refuse", "wait later", "gone")
            )
            await until(lambda: scheduler.queued_images == 3, "three wait")
            go(tmp_path)
            await until(lambda: ["wait later"] in batches(tmp_path), "they are made one by one")
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            (tmp_path / "later").touch()
            assert len(await slow) == len(await held) == 1
            with pytest.raises(JobRefusedError):
                await refused
            assert len(await scheduler.make([job()], "a")) == 1

    asyncio.run(check())
    assert ["gone"] not in batches(tmp_path)


def test_with_two_devices_one_that_fails_leaves_the_other_at_work(tmp_path: Path) -> None:
    folders = [tmp_path / "0", tmp_path / "1"]
    for folder in folders:
        folder.mkdir()

    async def check() -> None:
        workers = [worker(folder) for folder in folders]
        async with scheduler_on(workers) as scheduler:
            held = asked(scheduler, "wait")
            await until(lambda: any(map(batches, folders)), "one is busy")
            free = next(n for n in (0, 1) if not batches(folders[n]))
            (folders[free] / "wait-for").write_text("go")
            with pytest.raises(WorkerFailedError):
                await scheduler.make([job("die")], "a")
            assert (scheduler.problem or "").startswith(f"worker {free} is started again")
            # The other takes what comes.
            waiting = asked(scheduler, "a fox")
            await until(lambda: scheduler.queued_images == 1, "it waits")
            go(folders[1 - free])
            assert len(await waiting) == len(await held) == 1
            go(folders[free])
            await until(lambda: scheduler.problem is None, "both are ready")

    asyncio.run(check())


def test_a_model_that_nobody_can_load_is_given_up_at_once(tmp_path: Path) -> None:
    (tmp_path / "no-model").touch()

    async def check() -> None:
        async with scheduler_on([worker(tmp_path)], until_ready=False) as scheduler:
            error = await asyncio.wait_for(scheduler.given_up(), 60)
            assert isinstance(error, UserError)
            assert "there is no model" in (scheduler.problem or "")

    asyncio.run(check())


@pytest.mark.parametrize(("failing", "is_given_up"), [(2, False), (3, True)])
def test_three_starts_in_a_row_may_fail(tmp_path: Path, failing: int, is_given_up: bool) -> None:
    async def check() -> None:
        notes = Notes()
        each = worker(tmp_path)
        async with scheduler_on([each], observer=notes) as scheduler:
            held = asked(scheduler, "wait", "die")
            await until(lambda: batches(tmp_path), "the batch has begun")
            waiting = asked(scheduler, "a fox")
            await until(lambda: scheduler.queued_images == 1, "one waits")
            (tmp_path / "starts-that-fail").write_text("x\n" * failing)
            go(tmp_path)
            with pytest.raises(WorkerFailedError):
                await held
            if is_given_up:
                error = await asyncio.wait_for(scheduler.given_up(), 60)
                assert isinstance(error, WorkerFailedError)
                # Who still waits is not left without an answer.
                with pytest.raises(WorkerFailedError, match="is given up"):
                    await waiting
            else:
                assert len(await waiting) == 1
            assert notes.failures == failing + 1

    asyncio.run(check())


def test_draining_finishes_what_waits_and_runs_and_takes_no_more(tmp_path: Path) -> None:
    async def check() -> None:
        each = worker(tmp_path)
        async with scheduler_on([each], batch_window_seconds=3600) as scheduler:
            first = [asked(scheduler, "wait") for _ in range(MAX_BATCH)]
            await until(lambda: batches(tmp_path), "the batch has begun")
            # Not a full batch: its window would be an hour.
            waiting = asked(scheduler, "one", "two")
            await until(lambda: scheduler.queued_images == 2, "two wait")
            pid = each.pid
            assert pid
            draining = asyncio.create_task(scheduler.drain(60))
            await until(lambda: scheduler.problem == "the server is stopping", "it drains")
            with pytest.raises(NotReadyError):
                await scheduler.make([job()], "a")
            go(tmp_path)
            assert [len(made) for made in await asyncio.gather(*first, waiting)] == [1, 1, 1, 1, 2]
            await draining
            assert not is_alive(pid)

    asyncio.run(check())


def test_what_is_not_done_when_the_time_to_drain_is_up_is_answered(tmp_path: Path) -> None:
    async def check() -> None:
        async with scheduler_on([worker(tmp_path, stop_seconds=0.2)]) as scheduler:
            held = await hold(scheduler, tmp_path)
            waiting = asked(scheduler, "a fox")
            await until(lambda: scheduler.queued_images == 1, "one waits")
            await scheduler.drain(0.05)
            for task in (held, waiting):
                with pytest.raises(NotReadyError):
                    await task

    asyncio.run(check())


def test_draining_while_it_loads_does_not_wait_for_the_model(tmp_path: Path) -> None:
    (tmp_path / "wait-for").write_text("never")

    async def check() -> None:
        async with scheduler_on([worker(tmp_path)], until_ready=False) as scheduler:
            await until(lambda: "(read, " in (scheduler.problem or ""), "the model is read")
            await asyncio.wait_for(scheduler.drain(3600), 60)

    asyncio.run(check())
