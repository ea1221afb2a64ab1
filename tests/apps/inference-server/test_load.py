from __future__ import annotations

import asyncio
import gc
import os
import random
import tracemalloc
from collections import Counter
from typing import TYPE_CHECKING

from drawing_framework import SIZES, drawn
from drawing_workers import batches, descriptors, job, scheduler_on, until, worker

from inference_server.errors import JobRefusedError, QueueFullError, WorkerFailedError

if TYPE_CHECKING:
    from pathlib import Path

    from inference_server.scheduling.scheduler import Scheduler

CALLERS = 200
ROUNDS = 6

#: In bytes that may stay of a round of 200 callers: a picture of each would be 150 KB.
KEPT_BYTES = 60_000


async def caller(
    scheduler: Scheduler, number: int, rng: random.Random, ends: Counter[str], told: list[int]
) -> None:
    """Asks once, and may go before it is answered; comes again when it is told to."""
    images = rng.choice([1, 1, 1, 2, 3])
    prompt = f"refuse {number}" if rng.random() < 0.02 else f"fox {number}"
    jobs = [
        job(prompt, seed=number * 100 + n, size=SIZES[number % len(SIZES)]) for n in range(images)
    ]
    gone = rng.random() < 0.3
    while True:
        task = asyncio.create_task(scheduler.make(jobs, f"tenant {number % 11}"))
        if gone:
            await asyncio.sleep(rng.random() * 0.05)
            task.cancel()
        try:
            made = await task
        except QueueFullError as error:
            told.append(error.retry_after_seconds)
            await asyncio.sleep(rng.random() * 0.05)
            continue
        except asyncio.CancelledError:
            ends["gone"] += 1
        except JobRefusedError:
            assert prompt.startswith("refuse")
            ends["refused"] += 1
        except WorkerFailedError:
            ends["failed"] += 1
        else:
            assert [one.picture for one in made] == [drawn(one) for one in jobs]
            ends["made"] += 1
        return


async def everybody(scheduler: Scheduler, seed: int) -> Counter[str]:
    rng, ends = random.Random(seed), Counter[str]()
    told: list[int] = []
    await asyncio.gather(*(caller(scheduler, n, rng, ends, told) for n in range(CALLERS)))
    # More come than have room.
    assert told
    assert all(1 <= seconds <= 60 for seconds in told)
    return ends


def test_two_hundred_callers_are_all_answered_and_leave_nothing_behind(tmp_path: Path) -> None:
    async def check() -> None:
        async with scheduler_on([worker(tmp_path), worker(tmp_path)]) as scheduler:
            tasks = len(asyncio.all_tasks())
            kept: list[int] = []
            opened: list[int] = []
            tracemalloc.start()
            for seed in range(ROUNDS):
                ends = await asyncio.wait_for(everybody(scheduler, seed), 120)
                assert sum(ends.values()) == CALLERS
                assert ends["failed"] == 0
                assert ends["made"] > CALLERS / 3
                assert scheduler.queued_images == 0
                assert scheduler.problem is None
                assert not scheduler._open
                gc.collect()
                kept.append(tracemalloc.get_traced_memory()[0])
                opened.append(descriptors())
            tracemalloc.stop()
            # The first round fills what is kept for good.
            assert kept[-1] - kept[1] < KEPT_BYTES, kept
            assert len(set(opened)) == 1, opened
            assert len(asyncio.all_tasks()) == tasks

    asyncio.run(check())
    assert max(len(batch) for batch in batches(tmp_path)) > 1


def test_callers_are_answered_too_while_workers_die_again_and_again(tmp_path: Path) -> None:
    async def check() -> None:
        workers = [worker(tmp_path), worker(tmp_path)]
        async with scheduler_on(workers) as scheduler:

            async def kill() -> None:
                for n in range(4):
                    await until(lambda: scheduler.problem is None, "both are ready")
                    await asyncio.sleep(0.02)
                    if pid := workers[n % 2].pid:
                        os.kill(pid, 9)
                    await until(lambda: scheduler.problem, "it is missed")

            killing = asyncio.create_task(kill())
            seed = 0
            while not killing.done():
                ends = await asyncio.wait_for(everybody(scheduler, seed), 120)
                assert sum(ends.values()) == CALLERS
                seed += 1
            await killing
            await until(lambda: scheduler.problem is None, "both are ready")
            assert scheduler.queued_images == 0
            assert not scheduler._open

    asyncio.run(check())
