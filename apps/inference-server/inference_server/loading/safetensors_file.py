"""Whether a safetensors file is whole, from its header and its length: the weights stay unread."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from inference_server.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

#: Source: safetensors README, "Format": 8 bytes, the header's length in little endian.
LENGTH_BYTES = 8
#: Source: safetensors README, "Format": a header is limited to 100 MB.
MAX_HEADER_BYTES = 100_000_000


def wanted_bytes(header: bytes) -> int:
    """Length of the file that has this header. Raises ValueError when it is none."""
    tensors = json.loads(header)
    if not isinstance(tensors, dict):
        raise ValueError("it is not an object")  # noqa: TRY004 - what is read, not what is passed
    end = 0
    for name, tensor in tensors.items():
        if name == "__metadata__":
            continue
        try:
            begin, tensor_end = tensor["data_offsets"]
        except (KeyError, TypeError, ValueError):
            raise ValueError(f"tensor {name!r} has no data_offsets") from None
        if not (
            isinstance(begin, int) and isinstance(tensor_end, int) and 0 <= begin <= tensor_end
        ):
            raise ValueError(f"tensor {name!r} has data_offsets {begin!r}, {tensor_end!r}")
        end = max(end, tensor_end)
    return LENGTH_BYTES + len(header) + end


def check_safetensors(file: Path) -> None:
    """Raises UserError, which names the file, when it is damaged or cut short."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(LENGTH_BYTES), "little")
        if size < LENGTH_BYTES or length > min(size - LENGTH_BYTES, MAX_HEADER_BYTES):
            raise UserError(
                f"{file}: is not a safetensors file, or is cut short: its header should have "
                f"{length} bytes, the file has {size}"
            )
        header = opened.read(length)
    try:
        wanted = wanted_bytes(header)
    except ValueError as error:
        raise UserError(f"{file}: its safetensors header is damaged: {error}") from None
    if wanted != size:
        raise UserError(f"{file}: has {size} bytes, its header says {wanted}; copy it there again")
