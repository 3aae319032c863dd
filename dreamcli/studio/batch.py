"""Carry out a plan: while one picture is made, the next is read and the previous one written."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dreamcli.errors import DreamcliError, Hint, Install, WrongRequest, describe
from dreamcli.files.clip import Clip, read_clip
from dreamcli.files.plan import Task
from dreamcli.files.reading import Picture, read_picture
from dreamcli.files.record import Provenance
from dreamcli.files.resume import ExistingOutput, is_made, look_at, refuse_others
from dreamcli.files.writing import check_fits, write_picture
from dreamcli.settings.base import Settings

from .interrupts import HeldInterrupts
from .pictures import ReadInput, Result, recorded_name
from .request import OpenSession, Read

if TYPE_CHECKING:
    # torch takes seconds to import, and a plan of nothing but broken files needs none
    from dreamcli.art.artwork import Step

    from .animate import Animation
    from .film import Film

MAX_FULL = 3  # pictures in a row that a full disk didn't hold
# called with a task's title before it is made; returns what to call at each step
Begin = Callable[[str], "Callable[[Step], None] | None"]


@dataclass(frozen=True)
class Outcome:
    """What became of one output.

    Attributes:
        status: "done", "skipped", "failed", "interrupted" or "planned".
        source: the input, as shown to the user.
        message, hint, trace, error: a remark; or, after a failure, the reason, a remedy, the traceback and the error.
        details: more about it, as JSON values.
        result: the picture, if it was just made here.
    """

    status: str
    source: str
    output: str
    message: str = ""
    hint: Hint | Install | None = None
    details: dict[str, object] = field(default_factory=dict)
    trace: str = ""
    error: Exception | None = None
    result: Result | None = None


class DiskWatch:
    """Notices a full disk. A single picture may just be too large for it, but not several in a row."""

    def __init__(self) -> None:
        self._failures = 0

    def see(self, outcomes: Sequence[Outcome]) -> None:
        """Count tasks that failed for lack of space since the last successful one."""
        if any(each.hint is Hint.FREE_SPACE for each in outcomes):
            self._failures += 1
        elif any(each.status == "done" for each in outcomes):
            self._failures = 0

    @property
    def is_full(self) -> bool:
        """Whether it is time to stop."""
        return self._failures >= MAX_FULL

    def check(self, left: int) -> None:
        """Say why it stopped with ``left`` tasks to go.

        Raises:
            DreamcliError: the disk is full.
        """
        if self.is_full and left:
            raise DreamcliError(f"stopped with {left} more to go, because the disk is full", Hint.FREE_SPACE)


Reading = tuple[Picture | Clip | None, list[ExistingOutput | None]]


def _nothing(*_: object) -> None:
    pass


@dataclass(kw_only=True)
class PictureMaker:
    """Reads, makes and writes pictures and films. One failure doesn't stop the rest.

    Attributes:
        open_session: opens the networks and reads the references; called once, when the first picture is to be made.
        overwrite: replace what was made with different settings.
        remake: make finished pictures again.
        keep_partial: if a single picture is interrupted, keep its progress so far.
        keep_frames: keep the frames of films.
        read: reads an input.
        animation: collects the ascent of the one picture that is made.
        on_held: called when Ctrl-C waits for the end of a step.
        on_film: called with each film before it is made.
    """

    open_session: Callable[[], OpenSession]
    overwrite: bool = False
    remake: bool = False
    keep_partial: bool = False
    keep_frames: bool = False
    read: Read = read_picture
    animation: Animation | None = None
    on_held: Callable[[], None] = _nothing
    on_film: Callable[[Film], None] = _nothing
    _opened: OpenSession | None = None
    _interrupts: HeldInterrupts = field(default_factory=HeldInterrupts)  # of the picture that is being made

    def run(
        self, tasks: Sequence[Task], on_outcomes: Callable[[list[Outcome]], None], begin: Begin = lambda _title: None
    ) -> bool:
        """Make everything, in order.

        Args:
            tasks: what to make.
            on_outcomes: called, from one thread, with the outcomes of each task as soon as it has ended.
            begin: called before a picture is made.

        Returns:
            whether it came to the end; False if it was interrupted. Everything finished by then is written.

        Raises:
            WrongRequest, DreamcliError: the session can't be opened, so no picture can be made; or the disk is full.
        """
        current: Task | None = None
        interrupted, left, disk = False, len(tasks), DiskWatch()

        def finish(made: list[Outcome]) -> None:
            outcomes = [self.write(each) for each in made]
            disk.see(outcomes)
            on_outcomes(outcomes)

        try:
            with ThreadPoolExecutor(1, "reader") as reader, ThreadPoolExecutor(1, "writer") as writer:
                written: Future[None] | None = None
                for current, reading in _read_ahead(reader, self.load, tasks):
                    outcomes = self.make(current, reading, begin)
                    if written:
                        written.result()
                    written = writer.submit(finish, outcomes)
                    current, left = None, left - 1
                    interrupted = self._interrupts.is_held or any(
                        outcome.status == "interrupted" for outcome in outcomes
                    )
                    if interrupted or disk.is_full:
                        break
                if written:
                    written.result()
        except KeyboardInterrupt:
            # by now, the last picture is written
            if current:
                on_outcomes([interrupted_task(current)])
            return False
        disk.check(left)
        return not interrupted

    def load(self, task: Task) -> Reading:
        """Read what a task starts from, and look at the places of its outputs.

        Raises:
            DreamcliError: the input can't be read, or the plan found a problem.
        """
        if task.problem:
            raise DreamcliError(task.problem, task.hint)
        source: Picture | Clip | None = None
        if task.source:
            source = read_clip(task.source) if task.is_film and task.settings.takes_videos else self.read(task.source)
        return source, [look_at(output) for output in task.outputs]

    def make(self, task: Task, reading: Future[Reading], begin: Begin) -> list[Outcome]:
        """Make the pictures of a task. Pictures that failed or were skipped have an outcome without a result.

        Raises:
            WrongRequest, DreamcliError: the session can't be opened, so no picture can be made.
        """
        try:
            source, existing = reading.result()
        except Exception as error:
            return [failure(str(task.source or task.title), task.output, error)]
        session, references = self._open(task.settings)
        references = references.only_style(task.style)
        try:
            start = start_of(source, task.source)
            picture = start.picture if start else None
            provenances = session.provenances(task.settings, picture, references)
            if self._is_made(task, existing, provenances):
                return [Outcome("skipped", task.title, str(output), "(already made)") for output in task.outputs]
            if task.is_film and source and start:
                film = session.film(
                    task.settings, source, start, references, task.output, self.overwrite, self.keep_frames
                )
                return [self._film(film, task.title, begin)]
            if size := session.result_size(task.settings, picture):
                check_fits(task.output, *size)
            started = time.perf_counter()
            on_step = begin(task.title)
            if self.animation:
                on_step = self.animation.watching(picture, on_step)
            self._interrupts = HeldInterrupts(self.on_held)
            with self._interrupts if task.settings.climbs else nullcontext():  # without a climb, there is no progress
                on_step = self._interrupts.watching(on_step)
                results = session.make(task.settings, start, references, on_step, provenances)
        except Exception as error:
            if task.settings.makes_films and isinstance(error, WrongRequest):
                raise  # there is one film only
            return [failure(task.title, task.output, error)]
        if task.only is not None:
            results = [results[task.only]]
        seconds = round((time.perf_counter() - started) / len(results), 3)
        return [
            self._outcome(task, output, start, result, seconds, found is not None and found.is_finished)
            for output, result, found in zip(task.outputs, results, existing, strict=True)
        ]

    def _is_made(
        self, task: Task, existing: Sequence[ExistingOutput | None], provenances: Sequence[Provenance]
    ) -> bool:
        """Whether to skip a task: all of its outputs, and its animation, are made already; see `resume.is_made`.

        Raises:
            DreamcliError: something else is there, and mustn't be overwritten.
        """
        if self.overwrite:
            return False
        if task.only is not None:
            provenances = [provenances[task.only]]
        made = [is_made(*each) for each in zip(task.outputs, existing, provenances, strict=True)]
        if self.animation:
            path = self.animation.path
            made.append(is_made(path, look_at(path), provenances[0], Hint.OVERWRITE_ANIMATION))
        return all(made) and not self.remake

    def _film(self, film: Film, title: str, begin: Begin) -> Outcome:
        """Make a film, or the part that is missing, and say what became of it."""
        output, started = str(film.output), time.perf_counter()
        try:
            self.on_film(film)
            stopped = film.make(begin(film.output.name))
        except KeyboardInterrupt:
            message = "(run the same command to continue)" if film.folder.is_dir() else "(not kept)"
            return Outcome("interrupted", title, output, message)
        details: dict[str, object] = {"frames": film.frames, "seconds": round(time.perf_counter() - started, 3)}
        if stopped == "interrupted":
            message = "(what was made so far; run the same command to continue)"
            return Outcome("interrupted", title, output, message, details=details)
        return Outcome("done", title, output, f"({'; '.join(film.notes)})" if film.notes else "", details=details)

    def write(self, outcome: Outcome) -> Outcome:
        """Write the picture of an outcome, if it has one, and say what became of it."""
        result, output = outcome.result, Path(outcome.output)
        if result is None:
            return outcome
        try:
            if not self.overwrite:  # another run may have written there meanwhile
                refuse_others(output, look_at(output), result.record.provenance)
            write_picture(output, result.picture, result.record)
            if self.animation:
                self.animation.write(result.picture, result.record)
        except Exception as error:
            return failure(outcome.source, output, error)
        return outcome

    def _open(self, settings: Settings) -> OpenSession:
        if self._opened is None:
            self._opened = self.open_session()
        session, references = self._opened
        session.check(settings, references)
        return self._opened

    def _outcome(
        self, task: Task, output: Path, start: ReadInput | None, result: Result, seconds: float, was_finished: bool
    ) -> Outcome:
        """What to report about a picture once it is written."""
        interrupted = result.record.stopped == "interrupted"
        if interrupted and (was_finished or not self.keep_partial):
            return replace(interrupted_task(task), output=str(output))
        height, width = result.picture.pixels.shape[:2]
        details = {"width": width, "height": height, "seconds": seconds, "score": result.record.score}
        notes = _notes(start.picture if start else None, result)
        if self.animation:
            notes.append(f"animation: {self.animation.path}")
            details["animation"] = str(self.animation.path)
        status, remarks = ("interrupted", ["the best so far"]) if interrupted else ("done", notes)
        message = f"({'; '.join(remarks)})" if remarks else ""
        return Outcome(status, task.title, str(output), message, details=details, result=result)


def _read_ahead(
    reader: ThreadPoolExecutor, read: Callable[[Task], Reading], tasks: Sequence[Task]
) -> Iterator[tuple[Task, Future[Reading]]]:
    """Every task with its reading, one task ahead of what is asked for."""
    ahead: tuple[Task, Future[Reading]] | None = None
    for task in chain(tasks, [None]):
        following = (task, reader.submit(read, task)) if task else None
        if ahead:
            yield ahead
        ahead = following


def start_of(source: Picture | Clip | None, path: Path | None) -> ReadInput | None:
    """What a picture or a film starts from, and what its record calls that. A video's first frame stands for it."""
    if source is None or path is None:
        return None
    if isinstance(source, Clip):
        source = replace(next(source.read()), sha256=source.sha256)
    return ReadInput(source, recorded_name(path))


def failure(source: str, output: Path, error: Exception) -> Outcome:
    """The outcome for an exception that is being handled."""
    message, hint = describe(error)
    message = message.removeprefix(f"{source}: ")  # which is in front of it anyway
    return Outcome("failed", source, str(output), message, hint, trace=traceback.format_exc(), error=error)


def interrupted_task(task: Task) -> Outcome:
    """The outcome of a task that was interrupted before it wrote anything; an earlier run, or a worker, may have."""
    existing = look_at(task.output)
    message = "(a finished one is there)" if existing and existing.is_finished else "(not kept)"
    return Outcome("interrupted", task.title, str(task.output), message)


def _notes(start: Picture | None, result: Result) -> list[str]:
    notes = [*(start.notes if start else ()), *result.record.notes]
    if seen := result.record.seen_by:
        notes.append(seen)
    if start and np.array_equal(result.picture.pixels, start.pixels):
        notes.append("unchanged")
    if result.record.stopped == "non-finite":
        notes.append("stopped early: the values were no longer finite")
    return notes
