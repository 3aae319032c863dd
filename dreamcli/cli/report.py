"""What a person sees while pictures are made, and afterwards: progress and a summary."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dreamcli.errors import DreamcliError
from dreamcli.files.atomic import could_not_write

from .errors import print_error, printable, with_hint
from .options import ReportOptions
from .terminal import error_console, is_terminal, say, shown

if TYPE_CHECKING:
    from dreamcli.art.artwork import Step
    from dreamcli.studio.batch import Outcome

    from .preview import LiveProgress

STATUSES = ("planned", "done", "skipped", "failed", "interrupted")
LIVE_SECONDS = 1.0  # between two pictures below the bars
MAX_NAMES = 5  # shown of those that failed for the same reason


@dataclass
class Report:
    """What became of each picture.

    Attributes:
        log: a file that gets a line of JSON for each picture.
        pictures: all outcomes, if they are to be printed at the end.
        reasons: why some failed, and their names.
    """

    command: str
    options: ReportOptions
    log: Path | None = None
    pictures: list[dict[str, object]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, list[str]] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    def add(self, outcome: Outcome) -> None:
        """Report what became of one picture."""
        message, options = with_hint(outcome.message, outcome.hint), self.options
        self.counts[outcome.status] += 1
        if outcome.status == "failed":
            reason = message.replace(outcome.output, "the output") if outcome.output else message
            self.reasons.setdefault(reason, []).append(outcome.source)
            if options.verbose and outcome.trace:
                say(outcome.trace)
            print_error(f"{outcome.source}: {message}")
        elif not options.quiet and not options.as_json:
            if options.show and outcome.status in ("done", "skipped"):
                _preview(outcome)  # above its line, which stays in view
            say(printable(f"{outcome.source} -> {outcome.output} {message}".rstrip()))
        if options.as_json:
            self.pictures.append(_as_json(outcome))
        if self.log:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            _append(self.log, {"time": now, "command": self.command} | _as_json(outcome))

    def close(self, remark: str = "") -> None:
        """Print the JSON, or a summary if there were several pictures: how many ended how, why, and how fast.

        Args:
            remark: what else to say, even of a single picture.
        """
        seconds = time.perf_counter() - self.started
        rate = 60 * self.counts["done"] / seconds
        counts = {status: self.counts[status] for status in STATUSES if self.counts[status]}
        left_out = self.options.left_out
        remark = "; ".join(filter(None, (remark, left_out_text(left_out))))
        if self.options.as_json:
            summary = {"command": self.command, "counts": counts, "seconds": round(seconds, 3)}
            summary |= {"left_out": len(left_out)} if left_out else {}
            summary |= {"pictures_per_minute": round(rate, 2), "pictures": self.pictures}
            click.echo(json.dumps(summary, indent=2))
        elif not self.options.quiet and self.counts.total() > 1:
            line = ", ".join(f"{number} {status}" for status, number in counts.items())
            if "planned" not in counts:
                line += f" in {duration(seconds)}"
            if "done" in counts:
                line += f", {f'{rate:,.0f}' if rate >= 100 else f'{rate:.3g}'} pictures per minute"
            say("; ".join(filter(None, (line, remark))))
            for reason, sources in self.reasons.items():
                say(printable(f"failed: {_some(sources)}: {' '.join(reason.split())}"))
        elif not self.options.quiet and remark:
            say(remark)


def _preview(outcome: Outcome) -> None:
    from .preview import preview  # imports rich, which most command lines don't need

    with suppress(DreamcliError, OSError):  # it may be gone, or too large to be read; or stderr is full
        preview(Path(outcome.output), outcome.result.picture if outcome.result else None)


def left_out_text(left_out: Collection[Path]) -> str:
    """How many pictures were left out; empty if none was."""
    return f"{len(left_out)} of dreamcli's own pictures left out" if left_out else ""


def _as_json(outcome: Outcome) -> dict[str, object]:
    message = with_hint(outcome.message, outcome.hint)
    facts = {"input": outcome.source, "output": outcome.output, "status": outcome.status, "message": message}
    return {key: value for key, value in (facts | outcome.details).items() if value not in ("", [], ())}


def _append(log: Path, line: dict[str, object]) -> None:
    # a single write to the end of the file, so that several processes can share it
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "a+b", buffering=0) as file:
            # an earlier run may have left half a line on a full disk
            file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
            start = b"" if file.read(1) in (b"", b"\n") else b"\n"
            whole = start + json.dumps(line).encode("ascii") + b"\n"
            if file.write(whole) != len(whole):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as problem:
        raise could_not_write(log, problem) from problem


def duration(seconds: float) -> str:
    """A duration in words."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _some(names: list[str]) -> str:
    return ", ".join(names[:MAX_NAMES]) + (f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else "")


class Bars:
    """Two bars, for all pictures (if there are several) and for the current one, with a preview of it."""

    def __init__(self, total: int, bar: LiveProgress | None) -> None:
        self._bar = bar
        self._shown = 0.0  # when the picture was last looked at
        if bar:
            self._all = bar.add_task("all", total=total, detail=f"0/{total}", visible=total > 1)
            self._this = bar.add_task("", total=1.0, detail="", visible=False)
            self._ended, self._total = 0, total

    def begin(self, title: str) -> Callable[[Step], None] | None:
        """Start a picture's bar; return what to call at each of its steps."""
        bar = self._bar
        if not bar:
            return None
        bar.reset(self._this, total=1.0, description=printable(title), detail="", visible=True)

        def show(step: Step) -> None:
            detail = f"octave {step.octave}/{step.octaves}  step {step.step}/{step.steps}"
            if step.frames:
                detail = f"frame {step.frame}/{step.frames}"
            bar.update(self._this, completed=step.share, detail=detail)
            if bar.can_show and time.monotonic() - self._shown > LIVE_SECONDS:
                bar.show_picture(step.picture())
                self._shown = time.monotonic()  # rendering it isn't counted

        return show

    def say_that_it_stops(self, quiet: bool) -> None:
        """Say that Ctrl-C was heard. Called by a signal handler, when a lock of the bars may be held."""
        text = "stopping after this step; press Ctrl-C again to stop at once"
        if self._bar:
            self._bar.note = text
        elif is_terminal(sys.stderr) and not quiet:
            with suppress(RuntimeError):  # something else is being printed
                say(text)

    def end(self) -> None:
        """Count a picture as finished."""
        if self._bar:
            self._ended += 1
            self._bar.show_picture(None)
            self._bar.update(self._all, completed=self._ended, detail=f"{self._ended}/{self._total}")
            if self._total == 1:  # of several, the next may have begun
                self._bar.update(self._this, visible=False)


@contextmanager
def bars(total: int, hidden: bool) -> Iterator[Bars]:
    """Show bars for ``total`` pictures, if stderr is a terminal."""
    console = error_console() if is_terminal(sys.stderr) and not hidden else None
    if console is None or not console.is_interactive:  # a dumb terminal can't redraw
        yield Bars(total, None)
        return
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.table import Column

    from .preview import LiveProgress

    columns = (
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, max_width=console.width // 3)),
        BarColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(),
    )
    # what goes to stdout stays there, unless that is the same terminal
    bar = LiveProgress(*columns, console=console, transient=True, redirect_stdout=is_terminal(sys.stdout))
    with shown(bar):
        yield Bars(total, bar)
