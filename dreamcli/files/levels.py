"""Gray of any depth as 8 bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from dreamcli.errors import DreamcliError

_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339  # tags of a TIFF
_WHITE_IS_ZERO, _SIGNED = 0, 2  # their values
_MAX_16 = 65_535
_DARK = 1 / 16  # of white: values of 12 bits in 16


def to_8_bits(image: Image.Image, original: Image.Image, notes: list[str]) -> Image.Image:
    """Convert gray of 12, 16 or 32 bits to 8; other images stay as they are.

    The format says what white is. For 32 bits, no format does: white is the least of 1, 255 and 65535 that no value
    exceeds, and a note says so.

    Args:
        image: upright.
        original: as opened, with the tags of a TIFF.
        notes: for people; may get one.

    Raises:
        DreamcliError: white isn't defined, because the numbers are floating-point, negative or too large.
    """
    tags = original.tag_v2 if isinstance(original, TiffImagePlugin.TiffImageFile) else {}
    bits, *_ = tags.get(_BITS, (0,))
    if image.mode == "F":
        raise DreamcliError("floating-point pictures don't define white; save it with 8 or 16 bits")
    if image.mode == "L" and _SIGNED in tags.get(_SAMPLE_FORMAT, ()):
        raise DreamcliError("signed pictures don't define white; save it with 8 or 16 unsigned bits")
    if image.mode != "I" and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image)
    white = _white_of_integers(values, bits, notes) if image.mode == "I" else 4095 if bits == 12 else _MAX_16
    highest = int(values.max(initial=0))
    if image.mode != "I" and 0 < highest < _DARK * white:
        notes.append(f"nearly black: its brightest value is {highest}, and white is {white}")
    eight = ((values.astype(np.uint32) * 255 + white // 2) // white).astype(np.uint8)
    if image.mode != "I" and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        eight = 255 - eight
    return _with_key(image, values, eight)


def _white_of_integers(values: NDArray[np.int32], bits: int, notes: list[str]) -> int:
    """The value to take as white if the format doesn't define it."""
    steps = (1, 255, 32_767 if bits == 16 else _MAX_16)
    lowest, highest = int(values.min(initial=0)), int(values.max(initial=0))
    if lowest < 0 or highest > steps[-1]:
        kind = f"{bits or 32}-bit integers from {lowest} to {highest}"
        raise DreamcliError(f"{kind} don't define white; save it with 8 or 16 unsigned bits")
    white = next(step for step in steps if highest <= step)
    notes.append(f"{bits or 32}-bit integers don't define white; {white} was taken")
    return white


def _with_key(image: Image.Image, values: NDArray[np.integer], eight: NDArray[np.uint8]) -> Image.Image:
    """The gray image with its color profile, and with alpha if one of the values stands for transparent."""
    key = image.info.get("transparency")
    alpha = [] if key is None else [np.where(values == key, 0, 255).astype(np.uint8)]
    made = Image.fromarray(np.dstack([eight, *alpha]) if alpha else eight)
    if profile := image.info.get("icc_profile"):
        made.info["icc_profile"] = profile
    return made


def scale_key(image: Image.Image, depth: int) -> None:
    """Scale a PNG's transparent color from ``depth`` bits to 8, as Pillow scales its pixels.

    Pillow keeps the upper 8 of 16 bits, so colors near the transparent one may become transparent, too.
    """
    key = image.info.get("transparency")
    if image.mode == "L" and isinstance(key, int):
        image.info["transparency"] = key * 255 // (2**depth - 1)
    elif image.mode == "RGB" and depth == 16 and isinstance(key, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in key)
