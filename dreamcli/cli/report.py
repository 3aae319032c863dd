"""What a person sees while and after pictures are made: progress, errors, a summary."""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dreamcli.errors import DreamcliError

from .preview import preview

if TYPE_CHECKING:
    from rich.progress import Progress

    from dreamcli.art.artwork import Step
    from dreamcli.batch import Outcome

STATUSES = ("planned", "done", "skipped", "failed", "interrupted")
SHOWN = 5  # names, of those that failed for one reason
_JOINER = "\u200d"  # of emoji


def is_verbose(arguments: Sequence[str] | None) -> bool:
    """Whether a traceback is wanted, known before the command line is parsed."""
    return any(word in ("-v", "--verbose") for word in (sys.argv[1:] if arguments is None else arguments))


def error(message: str, verbose: bool = False) -> None:
    """Print a one-line error, with the traceback of the exception being handled if that is wanted."""
    if verbose and sys.exc_info()[0]:
        say(traceback.format_exc())
    say(f"dreamcli: {printable(' '.join(message.split()))}")


def say(text: str) -> None:
    """Print to stderr; where that can't be, as when a log's disk is full, the pictures matter more."""
    with suppress(OSError):
        click.echo(text, err=True)


def printable(text: str) -> str:
    """What a terminal can be given: a file's name may hold line breaks, control sequences and what is no text."""
    shown = (c if c.isprintable() or c == _JOINER else c.encode("unicode_escape").decode("ascii") for c in text)
    return "".join(shown)


def click_error(exception: click.ClickException) -> None:
    """Print what is wrong with the command line, and where its help is, in one line."""
    context = getattr(exception, "ctx", None)
    hint = f" (see {context.command_path} --help)" if context else ""
    error(exception.format_message() + hint)


@dataclass
class Report:
    """What became of each picture.

    Attributes:
        command: such as "dream".
        quiet: say nothing but errors.
        as_json: print one JSON object to stdout at the end.
        verbose: add tracebacks to errors.
        log: a file that gets a line of JSON for each picture.
        show: preview each finished picture.
        outcomes: all that was told, if it is to be printed at the end.
        counts: how many ended how.
        reasons: why some failed, and the first few of each.
    """

    command: str
    quiet: bool = False
    as_json: bool = False
    verbose: bool = False
    log: Path | None = None
    show: bool = False
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, list[str]] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    def add(self, outcome: Outcome) -> None:
        """Tell what became of one picture, and note it."""
        self.counts[outcome.status] += 1
        if outcome.status == "failed":
            self.reasons.setdefault(outcome.message, []).append(outcome.source)
            if self.verbose and outcome.trace:
                say(outcome.trace)
            error(f"{outcome.source}: {outcome.message}")
        elif not self.quiet and not self.as_json:
            say(printable(f"{outcome.source} -> {outcome.output} {outcome.message}".rstrip()))
        if self.as_json:
            self.outcomes.append(_as_json(outcome))
        if self.log:
            _append(self.log, {"time": _now(), "command": self.command} | _as_json(outcome))
        if self.show and not self.quiet and not self.as_json and outcome.status in ("done", "skipped"):
            with suppress(DreamcliError):  # it may be gone, or too large to be read
                preview(Path(outcome.output))

    def close(self, remark: str = "") -> None:
        """Print the JSON, or, if there were several pictures, how many ended how, why, and how fast."""
        seconds = time.perf_counter() - self.started
        rate = 60 * self.counts["done"] / seconds
        counts = {status: self.counts[status] for status in STATUSES if self.counts[status]}
        if self.as_json:
            told = {"command": self.command, "counts": counts, "seconds": round(seconds, 3)}
            click.echo(json.dumps(told | {"pictures_per_minute": round(rate, 2), "pictures": self.outcomes}, indent=2))
        elif not self.quiet and self.counts.total() > 1:
            summary = ", ".join(f"{number} {status}" for status, number in counts.items())
            if "planned" not in counts:
                summary += f" in {_duration(seconds)}"
            if "done" in counts:
                summary += f", {rate:.3g} pictures a minute"
            say(summary + remark)
            for reason, sources in self.reasons.items():
                say(printable(f"failed: {_some(sources)}: {' '.join(reason.split())}"))


def _as_json(outcome: Outcome) -> dict[str, Any]:
    told = {"input": outcome.source, "output": outcome.output, "status": outcome.status, "message": outcome.message}
    return {key: value for key, value in (told | outcome.details).items() if value not in ("", [], ())}


def _append(log: Path, told: dict[str, Any]) -> None:
    # in one write to the end of the file, so that several processes can share it
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "ab", buffering=0) as file:
            file.write(json.dumps(told).encode("ascii") + b"\n")
    except OSError as problem:
        raise DreamcliError(f"could not write {log} ({problem.strerror or problem})") from problem


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


class Bars:
    """Two bars: of all pictures, if there are several, and of the one that is being made."""

    def __init__(self, total: int, bar: Progress | None) -> None:
        self._bar = bar
        if bar:
            self._all = bar.add_task("all", total=total, detail=f"0/{total}", visible=total > 1)
            self._this = bar.add_task("", total=1.0, detail="", visible=False)
            self._ended, self._total = 0, total

    def begin(self, title: str) -> Callable[[Step], None] | None:
        """Start the bar of a picture, and give what to call at each of its steps."""
        bar = self._bar
        if not bar:
            return None
        bar.reset(self._this, total=1.0, description=printable(title), detail="", visible=True)

        def show(step: Step) -> None:
            detail = f"octave {step.octave}/{step.octaves}  step {step.step}/{step.steps}"
            bar.update(self._this, completed=step.share, detail=detail)

        return show

    def end(self) -> None:
        """Count a picture as ended."""
        if self._bar:
            self._ended += 1
            self._bar.update(self._all, completed=self._ended, detail=f"{self._ended}/{self._total}")


@contextmanager
def bars(total: int, hidden: bool) -> Iterator[Bars]:
    """Show bars for so many pictures, if stderr is a terminal."""
    if hidden or not sys.stderr.isatty():
        yield Bars(total, None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Bars(total, bar)
