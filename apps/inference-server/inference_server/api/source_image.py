"""Reads an image that somebody has sent, and brings it to the size that is wanted."""

from __future__ import annotations

import base64
import binascii
import io
import math
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

from inference_server.job import Picture, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Decoders that are open to strangers: no other of Pillow's.
FORMATS = ("PNG", "JPEG", "WEBP")

LONGEST_SIDE_PIXELS = 4096

#: Behind what is transparent.
BACKDROP = "white"


def decoded_base64(text: str) -> bytes:
    """Raises ValueError."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("an image in base64 is wanted, without a data: prefix") from None


def opened(data: bytes) -> Image.Image:
    """Its header only: no pixel has been decoded. Raises ValueError that says what is allowed."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise ValueError(_too_large("it")) from None
    except Exception:  # noqa: BLE001
        # Pillow has no common base of what broken bytes raise.
        raise ValueError("a PNG, JPEG or WebP image is wanted") from None
    if max(image.size) > LONGEST_SIDE_PIXELS:
        raise ValueError(_too_large(f"{image.width}x{image.height}"))
    return image


def _too_large(what: str) -> str:
    return (
        f"{what} is too large: {LONGEST_SIDE_PIXELS}x{LONGEST_SIDE_PIXELS} pixels at most are "
        "wanted"
    )


def nearest_size(width: int, height: int, sizes: Sequence[Size]) -> Size:
    """The one of the most similar shape; of several, the first. Doubled is as far as halved."""
    ratio = width / height
    return min(sizes, key=lambda size: abs(math.log(size.width / size.height / ratio)))


def source_picture(data: bytes, wanted: Size | None, sizes: Sequence[Size]) -> Picture:
    """The image, upright, scaled until it covers the size, and cut to its middle.

    `wanted` None: the nearest of `sizes`. Of an animation, the first frame. Raises ValueError.
    """
    image = opened(data)
    try:
        image = _as_rgb(ImageOps.exif_transpose(image))
        size = wanted or nearest_size(image.width, image.height, sizes)
        fitted = ImageOps.fit(image, (size.width, size.height), Image.Resampling.LANCZOS)
    except Exception:  # noqa: BLE001
        # As above: a truncated file opens well enough.
        raise ValueError("the image is broken") from None
    return Picture(size.width, size.height, fitted.tobytes())


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # 16 bits of grey, which Pillow would cut off instead of scaling.
        return image.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        backdrop = Image.new("RGBA", image.size, BACKDROP)
        return Image.alpha_composite(backdrop, image).convert("RGB")
    return image.convert("RGB")
