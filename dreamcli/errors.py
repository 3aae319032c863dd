"""What can go wrong, said in one line that tells what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class DreamcliError(Exception):
    """Something that was asked for could not be done. The message is for people: one line."""


class WrongRequest(DreamcliError):
    """The request itself is wrong: an unknown layer or model, a setting that makes no sense."""


def unexpected(error: BaseException) -> str:
    """The one line about an error that nobody foresaw: a mistake of ours, or of a library."""
    return f"unexpected {type(error).__name__}: {error}; -v shows where"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give ``; did you mean X or Y?``, or nothing when no known word is near."""
    near = get_close_matches(word.lower(), list(known), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def check(holds: bool, rule: str) -> None:
    """Raise WrongRequest with the rule that was broken, unless it holds."""
    if not holds:
        raise WrongRequest(rule)
