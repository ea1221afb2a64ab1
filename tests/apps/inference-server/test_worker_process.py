from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from drawing_framework import MAX_BATCH, SIZES, drawn
from drawing_workers import batches, descriptors, is_alive, job, until, worker

from inference_server.errors import JobRefusedError, UserError, WorkerFailedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from inference_server.loading.steps import Step
    from inference_server.worker.worker_process import WorkerProcess


def unheard(_step: Step, _seconds: float) -> None:
    pass


@asynccontextmanager
async def started(each: WorkerProcess) -> AsyncIterator[WorkerProcess]:
    try:
        await each.start(unheard)
        yield each
    finally:
        await each.stop()


def pid_of(each: WorkerProcess) -> int:
    assert each.pid is not None
    return each.pid


def test_it_loads_in_another_process_and_makes_what_it_is_asked_for(tmp_path: Path) -> None:
    steps: list[Step] = []

    async def check() -> None:
        each = worker(tmp_path)
        facts = await each.start(lambda step, _seconds: steps.append(step))
        assert (facts.sizes, facts.max_batch) == (SIZES, MAX_BATCH)
        assert pid_of(each) != os.getpid()
        jobs = [job(seed=n, prompt="flag it" if n == 2 else "a fox") for n in range(4)]
        assert await each.run(jobs) == [(drawn(one), n == 2) for n, one in enumerate(jobs)]
        await until(lambda: each.utilisation == 0.25, "its driver's word is known")
        pid = pid_of(each)
        await each.stop()
        assert not is_alive(pid)
        assert each.pid is None

    asyncio.run(check())
    assert steps == ["import", "find", "read", "warm-up"]
    assert "torch" not in sys.modules or "diffusers" in sys.modules


def test_it_says_while_it_loads_what_it_is_at(tmp_path: Path) -> None:
    (tmp_path / "wait-for").write_text("go")

    async def check() -> None:
        each = worker(tmp_path)
        starting = asyncio.create_task(each.start(unheard))
        await until(lambda: each.progress.startswith("read, "), "the model is read")
        (tmp_path / "go").touch()
        await starting
        await each.stop()

    asyncio.run(check())


def test_what_is_wrong_with_a_model_reaches_the_user_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "no-model").touch()

    async def check() -> None:
        with pytest.raises(UserError, match=f"^{tmp_path}: there is no model$"):
            await worker(tmp_path).start(unheard)

    asyncio.run(check())


def test_a_start_that_fails_or_hangs_leaves_no_process_and_can_be_repeated(tmp_path: Path) -> None:
    (tmp_path / "starts-that-fail").write_text("x")
    (tmp_path / "hang").touch()

    async def check() -> None:
        each = worker(tmp_path, longest_start_seconds=2)
        with pytest.raises(WorkerFailedError, match=r"^RuntimeError: the device is not there yet$"):
            await each.start(unheard)
        starting = asyncio.create_task(each.start(unheard))
        await until(lambda: each.pid, "a process is there")
        pid = pid_of(each)
        with pytest.raises(WorkerFailedError, match="no answer in 2 s while"):
            await starting
        assert not is_alive(pid)
        (tmp_path / "hang").unlink()
        async with started(worker(tmp_path)) as again:
            assert len(await again.run([job()])) == 1

    asyncio.run(check())


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ("raise", "^RuntimeError: the device is lost$"),
        ("die", "exit status 7"),
        ("hang", "no answer in 1 s while running"),
        ("too few", "1 pictures of 2 jobs"),
    ],
)
def test_a_batch_that_breaks_the_worker_ends_its_process(
    tmp_path: Path, prompt: str, says: str
) -> None:
    async def check() -> None:
        async with started(worker(tmp_path, longest_run_seconds=1)) as each:
            pid = pid_of(each)
            with pytest.raises(WorkerFailedError, match=says):
                await each.run([job(prompt), job(prompt)])
            assert not is_alive(pid)
            await each.start(unheard)
            assert len(await each.run([job()])) == 1

    asyncio.run(check())


def test_a_refused_job_leaves_the_worker_as_it_was(tmp_path: Path) -> None:
    async def check() -> None:
        async with started(worker(tmp_path)) as each:
            pid = each.pid
            with pytest.raises(JobRefusedError, match=r"^'refuse me' cannot be drawn$"):
                await each.run([job("refuse me")])
            assert len(await each.run([job()])) == 1
            assert each.pid == pid

    asyncio.run(check())


def test_a_process_that_is_killed_while_it_has_nothing_to_do_is_missed(tmp_path: Path) -> None:
    async def check() -> None:
        async with started(worker(tmp_path)) as each:
            os.kill(pid_of(each), signal.SIGKILL)
            error = await asyncio.wait_for(each.failure(), 60)
            assert "SIGKILL, out of memory?" in str(error)

    asyncio.run(check())


def test_signals_to_stop_are_left_to_the_server(tmp_path: Path) -> None:
    async def check() -> None:
        async with started(worker(tmp_path)) as each:
            running = asyncio.create_task(each.run([job("wait")]))
            await until(lambda: batches(tmp_path), "the batch has begun")
            for stop in (signal.SIGTERM, signal.SIGINT):
                os.kill(pid_of(each), stop)
            (tmp_path / "go").touch()
            assert len(await running) == 1
            assert os.getpgid(pid_of(each)) != os.getpgid(0)

    asyncio.run(check())


def test_it_stops_during_a_batch_too(tmp_path: Path) -> None:
    async def check() -> None:
        each = worker(tmp_path, stop_seconds=0.2)
        await each.start(unheard)
        pid = pid_of(each)
        running = asyncio.create_task(each.run([job("hang")]))
        await until(lambda: batches(tmp_path), "the batch has begun")
        running.cancel()
        await each.stop()
        assert not is_alive(pid)

    asyncio.run(check())


def test_what_a_worker_has_started_ends_with_it(tmp_path: Path) -> None:
    async def check() -> None:
        async with started(worker(tmp_path)) as each:
            await each.run([job("spawn")])
            spawned = int((tmp_path / "spawned").read_text())
            assert is_alive(spawned)
            with pytest.raises(WorkerFailedError):
                await each.run([job("die")])
            await until(lambda: not is_alive(spawned), "what it has started is gone")

    asyncio.run(check())


PARENT = """\
import asyncio, sys
sys.path[:] = {path!r}
from pathlib import Path
from drawing_workers import job, worker

async def main():
    each = worker(Path({folder!r}))
    await each.start(lambda step, seconds: None)
    print(each.pid, flush=True)
    await each.run([job({prompt!r})])
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("prompt", ["a fox", "hang"])
def test_a_worker_dies_with_the_server(tmp_path: Path, prompt: str) -> None:
    code = PARENT.format(path=sys.path, folder=str(tmp_path), prompt=prompt)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        asyncio.run(until(lambda: batches(tmp_path), "the batch has begun"))
        assert is_alive(pid)
        parent.kill()
    asyncio.run(until(lambda: not is_alive(pid), "the worker is gone"))


def test_what_it_logs_and_prints_is_logged_here(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def check() -> None:
        async with started(worker(tmp_path, name="worker 3")) as each:
            await each.run([job("print"), job("log")])

    with caplog.at_level(logging.INFO):
        asyncio.run(check())
    printed = {
        record.getMessage()
        for record in caplog.records
        if record.name == "inference_server.worker.output"
    }
    assert printed >= {"50%", "100%", "a library's warning"}
    (logged,) = (record for record in caplog.records if record.name == "drawing")
    assert (logged.levelname, logged.getMessage()) == ("ERROR", "drawn 7")
    assert vars(logged)["colour"] == "red"
    assert vars(logged)["worker"] == "worker 3"
    assert "'a reason'" in str(logged.exc_text)


def test_the_stack_of_what_breaks_it_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def check() -> None:
        async with started(worker(tmp_path)) as each:
            with pytest.raises(WorkerFailedError):
                await each.run([job("raise")])

    asyncio.run(check())
    assert any("in generate" in str(record.exc_text) for record in caplog.records)


def test_starting_again_and_again_leaves_no_descriptors_open(tmp_path: Path) -> None:
    async def check() -> None:
        each = worker(tmp_path)
        counts = []
        for prompt in ("raise", "die", "raise", "die"):
            await each.start(unheard)
            with pytest.raises(WorkerFailedError):
                await each.run([job(prompt)])
            await asyncio.sleep(0.05)
            counts.append(descriptors())
        assert len(set(counts)) == 1, counts

    asyncio.run(check())
