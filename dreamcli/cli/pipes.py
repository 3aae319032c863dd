"""``-`` in place of a file: a picture from stdin, and one to stdout."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dreamcli.errors import DreamcliError, WrongRequest
from dreamcli.files.atomic import could_not_write, temporary_folder
from dreamcli.files.formats import PIPE
from dreamcli.files.regular import MAX_RESULT, open_regular

from .terminal import is_terminal

if TYPE_CHECKING:
    from dreamcli.studio.batch import Outcome

IN, OUT = "stdin", "stdout.png"  # the names of the files in between


def is_piped(images: tuple[str, ...]) -> bool:
    """Whether the one picture that was typed comes from a pipe.

    Raises:
        WrongRequest: there are others, too.
    """
    if PIPE in images and len(images) > 1:
        raise WrongRequest("- reads one picture from a pipe: leave out the others")
    return PIPE in images


def received(most: int) -> Path:
    """Read stdin, up to ``most`` bytes and one more, into a file that lasts as long as the command.

    Raises:
        WrongRequest: nothing is piped into it.
    """
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None or is_terminal(sys.stdin):
        raise WrongRequest("- reads a picture from a pipe, but stdin isn't one: name a file")
    path = _folder() / IN
    try:
        with open(path, "wb") as file:
            while file.tell() <= most and (some := stream.read(min(1 << 20, most + 1 - file.tell()))):
                file.write(some)
    except OSError as error:
        raise could_not_write(path, error) from error
    return path


def outgoing() -> Path:
    """A place for the picture that `sent` sends to stdout.

    Raises:
        WrongRequest: stdout is closed, or a terminal.
    """
    is_closed = getattr(sys.stdout, "name", "") == os.devnull  # `>&-`, see `__main__`
    if is_closed or not hasattr(sys.stdout, "buffer") or is_terminal(sys.stdout):
        raise WrongRequest("-o - writes a PNG to a pipe, but stdout isn't one: name a file")
    return _folder() / OUT


def sent(outcome: Outcome) -> Outcome:
    """Send the picture of an outcome to stdout, if there is one.

    Raises:
        DreamcliError: the other end of the pipe is closed.
    """
    path = Path(outcome.output)
    if outcome.status != "failed" and path.exists():
        try:
            with open_regular(path, MAX_RESULT) as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
                sys.stdout.buffer.flush()
        except OSError as error:
            raise DreamcliError(f"could not write the picture to stdout ({error.strerror or error})") from error
    return replace(outcome, output=PIPE)


def _folder() -> Path:
    """A folder that is removed when the command ends."""
    return click.get_current_context().with_resource(temporary_folder("dreamcli-"))
