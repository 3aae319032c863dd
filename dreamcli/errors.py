"""Errors that people read: one line that says what is wrong."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from importlib import import_module
from types import ModuleType

# what the system says where it has no memory for a thread or a library
_WITHOUT_MEMORY = ("can't start new thread", "failed to map segment", "annot allocate memory")
FULL = (errno.ENOSPC, errno.EDQUOT)  # what a full disk, or a full quota, is called
# characters of a message that are shown, whatever a file says: from its beginning, and from its end
_HEAD, _TAIL = 400, 150


class Hint(Enum):
    """A remedy. The command line adds the option for it; messages never name options."""

    SMALLER = auto()
    FEWER = auto()
    FREE_SPACE = auto()
    AGAIN = auto()
    TEMPORARY = auto()
    OTHER_OUTPUT = auto()
    FOLDER_OUTPUT = auto()
    PIPE = auto()
    TWO_RUNS = auto()
    TEMPLATE = auto()
    OVERWRITE = auto()
    OVERWRITE_ANIMATION = auto()
    OTHER_NAME = auto()
    FOLLOW_LINKS = auto()
    WEIGHTS = auto()
    DOWNLOAD = auto()
    WORKER_CORES = auto()
    LIST_MODELS = auto()
    LIST_PRESETS = auto()
    LIST_CLASSES = auto()
    STYLE = auto()
    PASSWORD = auto()
    PORT = auto()
    VERBOSE = auto()


@dataclass(frozen=True)
class Install:
    """The remedy for a missing package: to install one of dreamcli's extras."""

    extra: str


# what people are told where an optional package isn't installed, and the extra that brings it
_OPTIONAL = {
    "av": ("films need PyAV, which isn't installed", "video"),
    "captum": ("explaining needs Captum, which isn't installed", "explain"),
    "cv2": ("videos need OpenCV, which isn't installed", "video"),
    "nicegui": ("the page needs NiceGUI, which isn't installed", "web"),
    "pillow_heif": ("an HEIC picture, and pillow-heif isn't installed", "heif"),
    "ray": ("working on a cluster needs Ray, which isn't installed", "ray"),
    "umap": ("a map needs umap-learn, which isn't installed", "map"),
    "watchfiles": ("--watch needs watchfiles, which isn't installed", "watch"),
}


class DreamcliError(Exception):
    """Something that couldn't be done.

    Attributes:
        hint: what would help, if anything does.
    """

    def __init__(self, message: str, hint: Hint | Install | None = None) -> None:
        super().__init__(_shortened(message))
        self.hint = hint


class WrongRequest(DreamcliError):
    """The request itself is wrong: an unknown layer or model, or a setting that makes no sense."""


def needs(package: str) -> ModuleType:
    """Import an optional package, such as ``"captum"``.

    Raises:
        DreamcliError: it isn't installed, with the extra that brings it.
    """
    try:
        return import_module(package)
    except ImportError as error:
        message, extra = _OPTIONAL[package]
        raise DreamcliError(message, Install(extra)) from error


def describe(error: BaseException) -> tuple[str, Hint | Install | None]:
    """What to say about an error, and what would help. Any error but ours is a bug, ours or a library's."""
    if isinstance(error, DreamcliError):
        return str(error), error.hint
    if isinstance(error, MemoryError) or any(text in str(error) for text in _WITHOUT_MEMORY):
        return f"not enough memory for this process ({first_line(error)})", None
    if isinstance(error, OSError) and error.errno in FULL:
        return f"could not write {error.filename or 'the output'} ({error.strerror})", Hint.FREE_SPACE
    return _shortened(f"unexpected {type(error).__name__}: {error}"), Hint.VERBOSE


def _shortened(message: str) -> str:
    return message if len(message) <= _HEAD + _TAIL else f"{message[:_HEAD]} ... {message[-_TAIL:]}"


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its type if it has none."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean X or Y?``, or an empty string if no known word is close."""
    from difflib import get_close_matches  # takes a twentieth of the time of --help

    return suggestion(get_close_matches(word.lower(), list(known), n=3, cutoff=0.6))


def suggestion(words: Sequence[str]) -> str:
    """Return ``; did you mean X or Y?``, or an empty string if there is no word."""
    return f"; did you mean {' or '.join(words)}?" if words else ""


def check(condition: bool, message: str) -> None:
    """Raise WrongRequest unless the condition is true."""
    if not condition:
        raise WrongRequest(message)
