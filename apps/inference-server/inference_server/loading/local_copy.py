"""A mounted bucket's files, copied beside the process before a library maps them into memory.

safetensors files (and TorchScript archives) are read by mmap, in the order of the model's layers.
On a local disk that is fast; on a network mount it becomes small reads in no order, each a round
trip (safetensors issue 562, transformers issue 33366). A copy in large reads, in order, is what
Mountpoint is fast at, and a worker that is started again finds it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from inference_server.loading.manifest import MANIFEST_NAME, READ_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Mountpoint fetches each file on its own; the text encoders and the VAE come while the UNet does.
FILES_AT_ONCE = 4
#: The pod's `/cache` has 20 GiB; compiled kernels want some.
MAX_COPY_BYTES = 16 * 1024**3


def filesystem_type(path: str, mountinfo: str) -> str:
    """Of the mount that holds `path`, as `/proc/self/mountinfo` (proc(5)) says; "" if none does."""
    longest, found = "", ""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        point = fields[4].replace("\\040", " ")
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        # Of two mounts on one point, the later hides the earlier.
        if inside and len(point) >= len(longest):
            longest, found = point, after.split(" ")[0]
    return found


def is_remote(folder: Path) -> bool:
    """Whether it is a FUSE mount, as Mountpoint's are."""
    try:
        mountinfo = Path("/proc/self/mountinfo").read_text()
    except OSError:
        return False
    return filesystem_type(str(folder.resolve()), mountinfo).startswith("fuse")


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """One process at a time; the kernel gives the lock back when its holder is killed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def _copy(source: Path, target: Path) -> None:
    wanted = source.stat()
    if target.is_file():
        there = target.stat()
        if (there.st_size, there.st_mtime_ns) == (wanted.st_size, wanted.st_mtime_ns):
            return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    with source.open("rb", buffering=0) as read, part.open("wb", buffering=0) as written:
        while chunk := read.read(READ_BYTES):
            written.write(chunk)
    os.utime(part, ns=(wanted.st_atime_ns, wanted.st_mtime_ns))
    part.replace(target)


def _remove_stale(source: Path, target: Path) -> None:
    """What a killed copy has left; and the whole copy, if it was made under another manifest."""
    manifests = [folder / MANIFEST_NAME for folder in (source, target)]
    if all(file.is_file() for file in manifests):
        wanted, there = (file.read_bytes() for file in manifests)
        if wanted != there:
            shutil.rmtree(target)
    for part in target.rglob("*.part"):
        part.unlink()


def local_copy(folder: Path, files: Sequence[str], cache_folder: Path) -> Path:
    """Folder with `files` (relative), copied below `cache_folder`; `folder` if that is too much.

    Of several processes that ask for the same, one copies and the others wait. A file that is there
    is kept if its size and its time of change are the source's, and the manifests are equal.
    """
    if sum((folder / file).stat().st_size for file in files) > MAX_COPY_BYTES:
        return folder
    what = "\n".join((str(folder.resolve()), *sorted(files)))
    name = sha256(what.encode()).hexdigest()[:16]
    target = cache_folder / "models" / name
    with _locked(target.with_name(f"{name}.lock")):
        _remove_stale(folder, target)
        with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            # list(): an error of a copy is raised here.
            list(pool.map(lambda file: _copy(folder / file, target / file), files))
    return target
