"""A framework without torch: it draws at once, and does what its folder and the prompts tell it.

Files in the folder that `load` heeds: `no-model` (UserError), `starts-that-fail` (how many do, and
a line is taken off each time), `wait-for` (name of a file that it waits for), `hang`.

Words that a prompt begins with: `refuse`, `flag`, `raise`, `die`, `hang`, `wait` (until the folder
has a file `go`, or of the name that follows), `print`, `log`, `too few`, `spawn` (a process that
outlives this one, if nobody ends it).

What was made is in the folder's file `batches`, a JSON list of prompts a line, in their order.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from inference_server.errors import JobRefusedError, UserError
from inference_server.job import ModelFacts, Picture, Size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from inference_server.frameworks.framework import LoadOptions
    from inference_server.job import ImageJob
    from inference_server.loading.steps import Steps

SIZES = (Size(16, 16), Size(24, 16), Size(16, 24))
MAX_BATCH = 4


def drawn(job: ImageJob) -> Picture:
    """A plain colour, of the seed."""
    size = job.shape.size
    colour = bytes((job.seed & 255, job.seed >> 8 & 255, job.seed >> 16 & 255))
    return Picture(size.width, size.height, colour * (size.width * size.height))


def _wait_for(file: Path) -> None:
    while not file.exists():
        time.sleep(0.002)


class DrawingPipeline:
    """A `Pipeline`."""

    def __init__(self, folder: Path, facts: ModelFacts) -> None:
        self.folder = folder
        self.facts = facts

    def generate(self, jobs: Sequence[ImageJob]) -> list[tuple[Picture, bool]]:
        assert len({job.shape for job in jobs}) == 1
        assert len(jobs) <= self.facts.max_batch
        for job in jobs:
            if job.prompt.startswith("refuse"):
                raise JobRefusedError(f"{job.prompt!r} cannot be drawn")
        with (self.folder / "batches").open("a") as file:
            file.write(json.dumps([job.prompt for job in jobs]) + "\n")
        for job in jobs:
            self._obey(job.prompt)
        pictures = [(drawn(job), job.prompt.startswith("flag")) for job in jobs]
        return pictures[1:] if jobs[0].prompt.startswith("too few") else pictures

    def _obey(self, prompt: str) -> None:
        word, _, rest = prompt.partition(" ")
        if word == "raise":
            raise RuntimeError("the device is lost")
        if word == "die":
            os._exit(7)
        if word == "hang":
            time.sleep(600)
        if word == "wait":
            _wait_for(self.folder / (rest or "go"))
        if word == "print":
            sys.stdout.write("50%\r100%\n")
            sys.stderr.write("a library's warning\n")
        if word == "log":
            try:
                int("a reason")
            except ValueError:
                logging.getLogger("drawing").exception("drawn %d", 7, extra={"colour": "red"})
        if word == "spawn":
            process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            (self.folder / "spawned").write_text(str(process.pid))


def load(folder: Path, options: LoadOptions, steps: Steps) -> DrawingPipeline:
    with steps.step("find"):
        if (folder / "no-model").exists():
            raise UserError(f"{folder}: there is no model")
    with steps.step("read"):
        fails = folder / "starts-that-fail"
        if fails.exists() and (lines := fails.read_text().split()):
            fails.write_text("\n".join(lines[1:]))
            raise RuntimeError("the device is not there yet")
        if (folder / "wait-for").exists():
            _wait_for(folder / (folder / "wait-for").read_text())
        if (folder / "hang").exists():
            time.sleep(600)
    with steps.step("warm-up"):
        facts = ModelFacts(
            sizes=options.sizes or SIZES,
            max_batch=options.max_batch or MAX_BATCH,
            loras=(),
            edits=True,
            default_steps=4,
            default_guidance=7.5,
        )
    return DrawingPipeline(folder, facts)


def utilisation() -> float | None:
    return 0.25
