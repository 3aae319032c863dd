"""What a person sees while and after pictures are made: progress, errors, a summary."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .preview import preview

if TYPE_CHECKING:
    from dreamcli.art.artwork import Step


def is_verbose(arguments: Sequence[str] | None) -> bool:
    """Whether a traceback is wanted, known before the command line is parsed."""
    return any(word in ("-v", "--verbose") for word in (sys.argv[1:] if arguments is None else arguments))


def error(message: str, verbose: bool = False) -> None:
    """Print a one-line error, with the traceback of the exception being handled if that is wanted."""
    if verbose and sys.exc_info()[0]:
        click.echo(traceback.format_exc(), err=True)
    click.echo(f"dreamcli: {' '.join(message.split())}", err=True)


def unexpected(exception: Exception) -> str:
    """The one line about an error that nobody foresaw: a mistake of ours, or of a library."""
    return f"unexpected {type(exception).__name__}: {exception}; -v shows where"


def click_error(exception: click.ClickException) -> None:
    """Print what is wrong with the command line, and where its help is, in one line."""
    context = getattr(exception, "ctx", None)
    hint = f" (see {context.command_path} --help)" if context else ""
    error(exception.format_message() + hint)


@dataclass
class Report:
    """What became of each input.

    Attributes:
        command: such as "dream".
        quiet: say nothing but errors.
        as_json: print one JSON object to stdout at the end.
        verbose: print a traceback with every error.
        show: preview each finished picture.
    """

    command: str
    quiet: bool = False
    as_json: bool = False
    verbose: bool = False
    show: bool = False
    entries: list[dict[str, Any]] = field(default_factory=list)

    def add(self, status: str, source: object, output: object, message: str = "", **details: Any) -> None:
        """Note what became of an input: "done", "skipped", "failed", "interrupted" or "planned"."""
        entry = {"input": str(source), "output": str(output), "status": status, "message": message} | details
        self.entries.append({key: value for key, value in entry.items() if value not in ("", [], ())})
        if status == "failed":
            error(f"{source}: {message}", self.verbose)
        elif not self.quiet and not self.as_json:
            click.echo(f"{source} -> {output}{' ' + message if message else ''}", err=True)
            if self.show and status in ("done", "skipped"):
                preview(Path(str(output)))

    def count(self, status: str) -> int:
        """How many inputs ended so."""
        return sum(entry["status"] == status for entry in self.entries)

    def close(self) -> None:
        """Print the JSON, or, if there were several inputs, how many ended how."""
        counts = {status: self.count(status) for status in ("planned", "done", "skipped", "failed", "interrupted")}
        counts = {status: number for status, number in counts.items() if number}
        if self.as_json:
            click.echo(json.dumps({"command": self.command, "counts": counts, "pictures": self.entries}, indent=2))
        elif not self.quiet and len(self.entries) > 1:
            click.echo(", ".join(f"{number} {status}" for status, number in counts.items()), err=True)


@contextmanager
def progress(title: str, hidden: bool) -> Iterator[Callable[[Step], None]]:
    """Show a bar with octave, step and time left, if stderr is a terminal; gives what to call at each step."""
    if hidden or not sys.stderr.isatty():
        yield lambda _step: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("octave {task.fields[octave]}  step {task.fields[step]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0, octave="", step="")

        def show(step: Step) -> None:
            bar.update(
                task,
                completed=step.share,
                octave=f"{step.octave}/{step.octaves}",
                step=f"{step.step}/{step.steps}",
            )

        yield show
