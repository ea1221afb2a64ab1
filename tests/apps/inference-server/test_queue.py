from __future__ import annotations

import math
import random

import pytest

from inference_server.job import ImageJob, Shape, Size
from inference_server.scheduling.queue import JobQueue, Waiting

SHAPES = [Shape(Size(64 + 8 * n, 64), steps=4, guidance=7.5) for n in range(3)]


def jobs(count: int = 1, shape: int = 0, name: str = "") -> list[ImageJob]:
    return [ImageJob(SHAPES[shape], f"{name}{n}", "", n) for n in range(count)]


def prompts(batch: list[Waiting[str]] | float) -> list[str]:
    assert isinstance(batch, list)
    return [waiting.job.prompt for waiting in batch]


def test_an_empty_queue_has_nothing_to_wait_for_but_an_arrival() -> None:
    queue: JobQueue[str] = JobQueue(8)
    assert queue.next_batch(0, 4, 0) == math.inf
    queue.add(jobs(), tenant="a", token="1", now=0)
    queue.remove("1")
    assert queue.next_batch(0, 4, 0) == math.inf


def test_a_batch_that_is_not_full_waits_for_its_window_and_no_longer() -> None:
    queue: JobQueue[str] = JobQueue(8)
    queue.add(jobs(3), tenant="a", token="1", now=10.0)
    assert queue.next_batch(10.25, 4, 1.0) == 0.75
    queue.add(jobs(1), tenant="a", token="2", now=10.5)
    assert len(prompts(queue.next_batch(10.5, 4, 1.0))) == 4
    queue.add(jobs(1), tenant="a", token="3", now=11.0)
    assert queue.next_batch(11.0, 4, 1.0) == 1.0
    assert len(prompts(queue.next_batch(12.0, 4, 1.0))) == 1


def test_the_shape_whose_oldest_image_is_oldest_goes_first() -> None:
    queue: JobQueue[str] = JobQueue(16)
    queue.add(jobs(1, 1, "old"), tenant="a", token="1", now=0)
    queue.add(jobs(6, 0, "new"), tenant="a", token="2", now=1)
    queue.add(jobs(1, 1, "newest"), tenant="a", token="3", now=2)
    assert prompts(queue.next_batch(2, 4, 0)) == ["old0", "newest0"]
    assert prompts(queue.next_batch(2, 4, 0)) == ["new0", "new1", "new2", "new3"]
    assert prompts(queue.next_batch(2, 4, 0)) == ["new4", "new5"]


def test_a_tenant_of_fifty_does_not_hold_up_anothers_single_one() -> None:
    queue: JobQueue[str] = JobQueue(100)
    queue.add(jobs(50, name="many"), tenant="greedy", token="1", now=0)
    queue.add(jobs(1, name="one"), tenant="modest", token="2", now=1)
    assert prompts(queue.next_batch(1, 4, 0)) == ["many0", "one0", "many1", "many2"]


def test_the_line_of_tenants_is_kept_from_one_batch_to_the_next() -> None:
    queue: JobQueue[str] = JobQueue(100)
    for tenant in "abc":
        queue.add(jobs(2, name=tenant), tenant=tenant, token=tenant, now=0)
    assert prompts(queue.next_batch(0, 2, 0)) == ["a0", "b0"]
    queue.add(jobs(1, name="d"), tenant="d", token="d", now=1)
    assert prompts(queue.next_batch(1, 2, 0)) == ["c0", "a1"]
    assert prompts(queue.next_batch(1, 2, 0)) == ["b1", "d0"]


@pytest.mark.parametrize(
    ("waiting", "images", "excess"),
    [(0, 8, 0), (5, 3, 0), (5, 4, 1), (8, 1, 1), (0, 9, 0), (1, 9, 1)],
)
def test_a_request_finds_room_for_all_its_images_or_none(
    waiting: int, images: int, excess: int
) -> None:
    queue: JobQueue[str] = JobQueue(8)
    if waiting:
        queue.add(jobs(waiting), tenant="a", token="1", now=0)
    # 9 fit an empty queue of 8, as they would never fit otherwise.
    assert queue.excess(images) == excess
    for _ in range(excess):
        queue.next_batch(0, 1, 0)
    assert queue.excess(images) == 0


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost_made_twice_mixed_or_passed_over(seed: int) -> None:
    rng = random.Random(seed)
    queue: JobQueue[int] = JobQueue(10_000)
    tenants = [f"tenant {n}" for n in range(rng.randint(1, 5))]
    expected: dict[int, int] = {}
    taken: set[tuple[int, int]] = set()
    removed: set[int] = set()
    #: Of each request: batches that there were when it came, and images that waited then.
    came: dict[int, tuple[int, int]] = {}
    count = 0

    def take(now: float) -> None:
        nonlocal count
        max_batch = rng.randint(1, 5)
        batch = queue.next_batch(now, max_batch, rng.choice([0.0, 2.0]))
        if not isinstance(batch, list):
            assert batch > 0
            return
        count += 1
        assert 1 <= len(batch) <= max_batch
        assert len({waiting.job.shape for waiting in batch}) == 1
        for waiting in batch:
            key = (waiting.token, waiting.position)
            assert key not in taken
            assert waiting.token not in removed
            taken.add(key)
            before, ahead = came[waiting.token]
            # It had at most that many in front, each of which costs a turn of all tenants.
            assert count - before <= (ahead + expected[waiting.token]) * len(tenants)

    for step in range(400):
        match rng.choice(["add", "add", "take", "take", "remove"]):
            case "add":
                images = rng.randint(1, 6)
                came[step] = (count, len(queue))
                expected[step] = images
                queue.add(
                    jobs(images, rng.randrange(3)), tenant=rng.choice(tenants), token=step, now=step
                )
            case "take":
                take(step)
            case "remove" if expected:
                token = rng.choice(list(expected))
                waiting = sum((token, n) not in taken for n in range(expected[token]))
                assert queue.remove(token) == (0 if token in removed else waiting)
                removed.add(token)
        left = sum(images for token, images in expected.items() if token not in removed)
        left -= sum(token not in removed for token, _ in taken)
        assert len(queue) == left
    while len(queue):
        take(1e6)
    for token, images in expected.items():
        if token not in removed:
            assert all((token, n) in taken for n in range(images))
    # Nor is anything kept of what has gone.
    assert not queue._by_age
    assert not queue._groups
    assert not queue._by_token
