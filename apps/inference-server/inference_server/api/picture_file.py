"""Makes files of pictures, which say where they come from."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from PIL import ExifTags, Image, PngImagePlugin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inference_server.api.fields import OutputFormat
    from inference_server.job import Picture

MEDIA_TYPES: dict[OutputFormat, str] = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
}

#: zlib's. Of a photo with noise in 1024x1024: half of level 6's time, and a file of 1.13 its size.
PNG_LEVEL = 1

#: Of the facts in Exif. A JPEG has one segment for all of it, of 65 533 bytes.
EXIF_FACTS_BYTES = 65_000


def picture_file(
    picture: Picture, output_format: OutputFormat, quality: int, facts: Mapping[str, str]
) -> bytes:
    """A whole file. `quality` is of JPEG and WebP, 0 to 100.

    The facts are texts of their own in PNG (tEXt, or iTXt beyond Latin-1); in JPEG and WebP they
    are one JSON object in Exif's ImageDescription, where prompts that do not fit are cut.
    """
    image = Image.frombytes("RGB", (picture.width, picture.height), picture.rgb)
    file = io.BytesIO()
    if output_format == "png":
        texts = PngImagePlugin.PngInfo()
        for name, value in facts.items():
            # NUL ends a text in PNG.
            texts.add_text(name, value.replace("\0", ""))
        image.save(file, "PNG", compress_level=PNG_LEVEL, pnginfo=texts)
    else:
        exif = Image.Exif()
        exif[ExifTags.Base.ImageDescription] = _exif_facts(facts)
        # 0 is the codecs' default, not their lowest.
        image.save(file, output_format.upper(), quality=max(1, quality), exif=exif)
    return file.getvalue()


def _exif_facts(facts: Mapping[str, str]) -> str:
    """In ASCII, as Exif wants its texts, and Pillow too: it puts `?` for everything else."""
    fitting = dict(facts)
    while len(text := json.dumps(fitting)) > EXIF_FACTS_BYTES:
        longest = max(fitting, key=lambda name: len(json.dumps(fitting[name])))
        fitting[longest] = fitting[longest][: len(fitting[longest]) // 2] + "…"
    return text
