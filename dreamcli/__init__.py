"""Pictures out of neural networks.

>>> import dreamcli
>>> dreamcli.dream("photo.jpg", layer="mid").save("dream.png")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from .api import Result, boost, dream, feature_maps, layers, stylize, visualize_class
    from .errors import DreamcliError, WrongRequest

__all__ = [
    "DreamcliError",
    "Result",
    "WrongRequest",
    "__version__",
    "boost",
    "dream",
    "feature_maps",
    "layers",
    "stylize",
    "visualize_class",
]

_HOMES = dict.fromkeys(("Result", "boost", "dream", "feature_maps", "layers", "stylize", "visualize_class"), "api")
_HOMES |= dict.fromkeys(("DreamcliError", "WrongRequest"), "errors")


def __getattr__(name: str) -> Any:
    # torch takes seconds to import: it waits until something is used
    if name == "__version__":
        from importlib.metadata import version

        return version("dreamcli")
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
