"""Errors that people read: one line that says what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum, auto

# what the system says where it has no memory for a thread or a library
_WITHOUT_MEMORY = ("can't start new thread", "failed to map segment", "annot allocate memory")


class Hint(Enum):
    """A remedy. The command line adds the option for it; messages never name options."""

    SMALLER = auto()
    FEWER = auto()
    FREE_SPACE = auto()
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
    WORKER_CORES = auto()
    LIST_MODELS = auto()
    LIST_PRESETS = auto()
    LIST_CLASSES = auto()
    STYLE = auto()
    INSTALL_RAY = auto()
    INSTALL_CAPTUM = auto()
    INSTALL_VIDEO = auto()
    INSTALL_WEB = auto()
    INSTALL_UMAP = auto()
    INSTALL_HEIF = auto()
    INSTALL_WATCH = auto()
    PASSWORD = auto()
    PORT = auto()
    VERBOSE = auto()


class DreamcliError(Exception):
    """Something that couldn't be done.

    Attributes:
        hint: what would help, if anything does.
    """

    def __init__(self, message: str, hint: Hint | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class WrongRequest(DreamcliError):
    """The request itself is wrong: an unknown layer or model, or a setting that makes no sense."""


def describe(error: BaseException) -> tuple[str, Hint | None]:
    """What to say about an error, and what would help. Any error but ours is a bug, ours or a library's."""
    if isinstance(error, DreamcliError):
        return str(error), error.hint
    if isinstance(error, MemoryError) or any(text in str(error) for text in _WITHOUT_MEMORY):
        return f"not enough memory for this process ({first_line(error)})", None
    return f"unexpected {type(error).__name__}: {error}", Hint.VERBOSE


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
