"""How many images go through a pipeline in one call: pure arithmetic."""

from __future__ import annotations

#: More makes each image wait longer, for little: a batch of 8 already fills the devices in use.
MOST = 8

#: Of free memory, what batches may take: allocators leave gaps.
USABLE = 0.8


def batch_that_fits(free_bytes: int, image_bytes: int, most: int = MOST) -> int:
    """The largest power of two of images, `image_bytes` each, that fits; at least 1.

    Both as measured on the device with the model on it.
    """
    room = int(free_bytes * USABLE // max(image_bytes, 1))
    return 1 << (max(1, min(room, most)).bit_length() - 1)


def fixed_sizes(max_batch: int) -> tuple[int, ...]:
    """Batch sizes for which kernels are compiled: powers of two, and the largest."""
    sizes = {1 << power for power in range(max_batch.bit_length()) if 1 << power <= max_batch}
    return tuple(sorted(sizes | {max_batch}))


def padded_size(images: int, max_batch: int) -> int:
    """The fixed size that holds so many images."""
    return min(size for size in fixed_sizes(max_batch) if size >= images)
