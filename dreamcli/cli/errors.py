"""Errors as users see them: one line that says what is wrong and which option helps."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import click

from dreamcli.errors import Hint, Install, WrongRequest, describe

from .terminal import say

FAILED, WRONG, INTERRUPTED = 1, 2, 130


HINTS: Mapping[Hint, str] = {
    Hint.SMALLER: "make the picture smaller with --size",
    Hint.FEWER: "make fewer pictures, or smaller ones with --size",
    Hint.FREE_SPACE: "free some space, and run the same command again",
    Hint.AGAIN: "run the same command again to continue",
    Hint.TEMPORARY: "free some space, or name a folder elsewhere in TMPDIR",
    Hint.OTHER_OUTPUT: "choose another with -o",
    Hint.FOLDER_OUTPUT: "name a folder with -o, or make them in two runs, each with its own -o",
    Hint.PIPE: "download it first, or pipe it: curl -s ADDRESS | dreamcli dream -",
    Hint.TWO_RUNS: "make them in two runs, each with its own -o",
    Hint.TEMPLATE: "tell them apart, by {stem}, {folder} or a setting",
    Hint.OVERWRITE: "choose another with -o, or add --overwrite",
    Hint.OVERWRITE_ANIMATION: "choose another with --animate, or add --overwrite",
    Hint.OTHER_NAME: "choose another name, or add --overwrite",
    Hint.FOLLOW_LINKS: "follow them with --follow-links",
    Hint.WEIGHTS: "give its state dict with --weights FILE, or as MODEL=FILE in --model or --judge",
    Hint.DOWNLOAD: "allow it with --download",
    Hint.WORKER_CORES: "ask for fewer with --worker-cores",
    Hint.LIST_MODELS: "list them with: dreamcli models",
    Hint.LIST_PRESETS: "list them with: dreamcli presets",
    Hint.LIST_CLASSES: "list them with: dreamcli models MODEL --classes",
    Hint.STYLE: "name one with --style PICTURE, or two with --fine PICTURE and --coarse PICTURE",
    Hint.PASSWORD: "set one with --password, or in DREAMCLI_PASSWORD",
    Hint.PORT: "choose another with --port, or any with --port 0",
    Hint.VERBOSE: "-v shows where",
}
_JOINER = "\u200d"  # of emoji


def with_hint(message: str, hint: Hint | Install | None) -> str:
    """A message with the option that helps."""
    if isinstance(hint, Install):
        return f"{message}; in a clone of dreamcli, run pip (or uv tool) install '.[{hint.extra}]'"
    return f"{message}; {HINTS[hint]}" if hint else message


def report_error(error: Exception, arguments: Sequence[str] | None) -> int:
    """Print what ended a command line, and return its exit code."""
    verbose = any(word in ("-v", "--verbose") for word in (sys.argv[1:] if arguments is None else arguments))
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return WRONG
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        print_error(error.format_message() + (f" (see {context.command_path} --help)" if context else ""))
        return error.exit_code
    if isinstance(error, click.Abort):
        print_error("interrupted", verbose)
        return INTERRUPTED
    print_error(with_hint(*describe(error)), verbose)
    return WRONG if isinstance(error, WrongRequest) else FAILED


def print_error(message: str, verbose: bool = False) -> None:
    """Print a one-line error, with the traceback of the exception being handled if that is wanted."""
    if verbose and sys.exc_info()[0]:
        import traceback

        say(traceback.format_exc())
    say(f"dreamcli: {printable(' '.join(message.split()))}")


def printable(text: str) -> str:
    """Escape what must not reach a terminal: a file name may contain line breaks and control sequences."""
    shown = (c if c.isprintable() or c == _JOINER else c.encode("unicode_escape").decode("ascii") for c in text)
    return "".join(shown)
