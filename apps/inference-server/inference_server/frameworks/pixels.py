"""Between a pipeline's tensors and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from inference_server.job import Picture

if TYPE_CHECKING:
    from collections.abc import Sequence


def pictures(images: torch.Tensor) -> list[Picture]:
    """Of `images`: (batch, 3, height, width), 0 to 1."""
    pixels = (images.float() * 255).round().clamp(0, 255).to(torch.uint8)
    rows = pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return [Picture(width=each.shape[1], height=each.shape[0], rgb=each.tobytes()) for each in rows]


def tensor(sources: Sequence[Picture]) -> torch.Tensor:
    """(batch, 3, height, width), 0 to 1, of pictures of one size."""
    return (
        torch.stack(
            [
                torch.frombuffer(bytearray(each.rgb), dtype=torch.uint8)
                .view(each.height, each.width, 3)
                .permute(2, 0, 1)
                for each in sources
            ]
        )
        .float()
        .div(255)
    )
