"""Make pictures with neural networks.

>>> import dreamcli
>>> dreamcli.dream("photo.jpg", layer="mid").save("dream.png")  # doctest: +SKIP
>>> with dreamcli.Session() as session:  # doctest: +SKIP
...     session.visualize_class("goldfish")[0].save("goldfish.png")
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str
    from .errors import DreamcliError, WrongRequest
    from .studio.api import boost, caricature, dream, explain, feature_maps, invert, layers, stylize, visualize_class
    from .studio.pictures import Result
    from .studio.session import Session

# torch reads it when it is imported: what doesn't exist for Apple's GPUs is computed on the CPU instead of raising
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")

__all__ = [
    "DreamcliError",
    "Result",
    "Session",
    "WrongRequest",
    "__version__",
    "boost",
    "caricature",
    "dream",
    "explain",
    "feature_maps",
    "invert",
    "layers",
    "stylize",
    "visualize_class",
]

_FORMS = ("boost", "caricature", "dream", "explain", "invert", "stylize", "visualize_class")
_MODULES = dict.fromkeys((*_FORMS, "feature_maps", "layers"), "studio.api")
_MODULES |= {"Result": "studio.pictures", "Session": "studio.session"}
_MODULES |= dict.fromkeys(("DreamcliError", "WrongRequest"), "errors")


def __getattr__(name: str) -> object:
    # torch takes seconds to import, so it waits until it is needed
    if name == "__version__":
        from importlib.metadata import version

        return version("dreamcli")
    if name in _MODULES:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
