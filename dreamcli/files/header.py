"""What a picture's header tells, without unpacking the picture."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image

from dreamcli.errors import DreamcliError

from .reading import FORMATS


def read_size(path: Path) -> tuple[int, int]:
    """The (width, height) in pixels that the header says.

    Raises:
        DreamcliError: it is no ordinary file, or has no header of a picture that could be read.
    """
    if not path.is_file():
        raise DreamcliError("not an ordinary file" if path.exists() else "there is no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as image:
                return image.size
    except PermissionError as error:
        raise DreamcliError("no permission to read it") from error
    except Exception as error:  # a decoder fed with a broken file may raise anything
        raise DreamcliError("not a picture that can be read") from error
