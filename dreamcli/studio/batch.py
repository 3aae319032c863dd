"""Make what a plan says: while one picture is made, the next is read and the previous one written."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dreamcli.errors import DreamcliError, Hint, Install, describe
from dreamcli.files.clip import Clip, read_clip
from dreamcli.files.plan import Task
from dreamcli.files.reading import Picture, read_picture
from dreamcli.files.record import Provenance
from dreamcli.files.resume import ExistingOutput, is_made, look_at, refuse_others
from dreamcli.files.writing import check_fits, write_picture
from dreamcli.settings.base import Schedule, Settings
from dreamcli.settings.references import References

from .interrupts import HeldInterrupts
from .pictures import ReadInput, Result

if TYPE_CHECKING:
    # torch takes seconds to import, and a plan of nothing but broken files needs none
    from dreamcli.art.artwork import Step

    from .animation import Animation
    from .filming import Film
    from .session import Session

MAX_FULL = 3  # pictures in a row that a full disk didn't hold
Read = Callable[[Path], Picture]
# called with a task's title before it is made; returns what to call at each step
Begin = Callable[[str], "Callable[[Step], None] | None"]


@dataclass(frozen=True)
class Outcome:
    """What became of one output.

    Attributes:
        status: "done", "skipped", "failed", "interrupted" or "planned".
        source: the input, as shown to the user.
        message, hint, trace: a remark; or why it failed, what would help, and the traceback.
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
    result: Result | None = None


class DiskWatch:
    """Notices that a disk is full. One picture may just have been too large for it, but not several in a row."""

    def __init__(self) -> None:
        self._failures = 0

    def see(self, outcomes: Sequence[Outcome]) -> None:
        """Count the tasks that failed for lack of space, since the last one that was written."""
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
OpenSession = tuple["Session", "References[ReadInput]"]


class PictureMaker:
    """Reads, makes and writes pictures. One failure doesn't stop the rest.

    Args:
        open_session: opens the network, and reads the references; called when the first picture is about to be made.
        overwrite: replace what was made with different settings.
        keep_partial: if a single picture is interrupted, keep the best so far.
        read: reads an input.
        animation: collects the ascent of the one picture that is made.
        opened: what ``open_session`` would return, if it is open already.
        on_held: called when Ctrl-C waits for the end of a step.
        keep_frames: keep the frames of films.
        on_film: called with each film before it is made.
    """

    def __init__(
        self,
        open_session: Callable[[], OpenSession],
        overwrite: bool = False,
        keep_partial: bool = False,
        read: Read = read_picture,
        animation: Animation | None = None,
        opened: OpenSession | None = None,
        on_held: Callable[[], None] = lambda: None,
        keep_frames: bool = False,
        on_film: Callable[[Film], None] = lambda _film: None,
    ) -> None:
        self._open_session = open_session
        self._overwrite = overwrite
        self._keep_partial = keep_partial
        self._read_picture = read
        self._animation = animation
        self._opened = opened
        self._on_held = on_held
        self._keep_frames = keep_frames
        self._on_film = on_film
        self._stop = False  # Ctrl-C came while the last picture was finished

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
                for current, reading in _read_ahead(reader, self.read, tasks):
                    outcomes = self.make(current, reading, begin)
                    if written:
                        written.result()
                    written = writer.submit(finish, outcomes)
                    current, left = None, left - 1
                    interrupted = self._stop or any(outcome.status == "interrupted" for outcome in outcomes)
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

    def read(self, task: Task) -> Reading:
        """Read what a task starts from, and look at the places of its outputs.

        Raises:
            DreamcliError: the input can't be read, or the plan found a problem.
        """
        if task.problem:
            raise DreamcliError(task.problem, task.hint)
        if task.is_film and task.source:
            return read_clip(task.source), []
        picture = self._read_picture(task.source) if task.source else None
        return picture, [look_at(output) for output in task.outputs]

    def make(self, task: Task, reading: Future[Reading], begin: Begin) -> list[Outcome]:
        """Make the pictures of a task. Those that can't be made, or needn't be, have an outcome without a result.

        Raises:
            WrongRequest, DreamcliError: the session can't be opened, so no picture can be made.
        """
        try:
            picture, existing = reading.result()
        except Exception as error:
            return [failure(str(task.source or task.title), task.output, error)]
        session, references = self._open(task.settings)
        references = references.only_style(task.style)
        if isinstance(picture, Clip):
            return [self._make_film(task, picture, session, references, begin)]
        try:
            jobs = session.jobs(task.settings, picture, references)
            finished = [found is not None and found.is_finished for found in existing]
            if not self._overwrite:
                for output, found, job in zip(task.outputs, existing, jobs, strict=True):
                    refuse_others(output, found, job)
                animated = self._is_animated(jobs[0])  # also refuses to overwrite another animation
                if all(finished) and animated:
                    return [Outcome("skipped", task.title, str(output), "(already made)") for output in task.outputs]
            if size := session.result_size(task.settings, picture):
                check_fits(task.output, *size)
            started = time.perf_counter()
            start = ReadInput(picture, recorded_name(task.source)) if picture and task.source else None
            on_step = begin(task.title)
            watch = self._animation.watching(picture, on_step) if self._animation else on_step
            results = self._made(session, task.settings, start, references, watch, jobs)
        except Exception as error:
            return [failure(task.title, task.output, error)]
        seconds = round((time.perf_counter() - started) / len(results), 3)
        return [
            self._outcome(task, output, picture, result, seconds, was_finished)
            for output, result, was_finished in zip(task.outputs, results, finished, strict=True)
        ]

    def _make_film(
        self, task: Task, clip: Clip, session: Session, references: References[ReadInput], begin: Begin
    ) -> Outcome:
        try:
            film = session.film(clip, task.settings, references, task.output, self._overwrite, self._keep_frames)
            return run_film(film, task.title, begin, self._on_film)
        except Exception as error:
            return failure(task.title, task.output, error)

    def _made(
        self,
        session: Session,
        settings: Settings,
        start: ReadInput | None,
        references: References[ReadInput],
        on_step: Callable[[Step], None] | None,
        jobs: list[Provenance],
    ) -> list[Result]:
        """Make pictures, and hold Ctrl-C back where it would lose one."""
        if not isinstance(settings, Schedule):  # no climb, whose progress could be kept
            return session.make(settings, start, references, on_step, jobs)
        with HeldInterrupts(self._on_held) as interrupts:
            try:
                return session.make(settings, start, references, interrupts.watching(on_step), jobs)
            finally:
                self._stop = interrupts.is_held

    def write(self, outcome: Outcome) -> Outcome:
        """Write the picture of an outcome, if it has one, and say what became of it."""
        result, output = outcome.result, Path(outcome.output)
        if result is None:
            return outcome
        try:
            if not self._overwrite:  # another run may have written there meanwhile
                refuse_others(output, look_at(output), result.record.provenance)
            write_picture(output, result.picture, result.record)
            if self._animation:
                self._animation.write(result.picture, result.record)
        except Exception as error:
            return failure(outcome.source, output, error)
        return outcome

    def _open(self, settings: Settings) -> tuple[Session, References[ReadInput]]:
        if self._opened is None:
            self._opened = self._open_session()
        session, references = self._opened
        session.check(settings, references)
        return self._opened

    def _is_animated(self, job: Provenance) -> bool:
        return self._animation is None or is_made(self._animation.path, job, Hint.OVERWRITE_ANIMATION)

    def _outcome(
        self, task: Task, output: Path, start: Picture | None, result: Result, seconds: float, was_finished: bool
    ) -> Outcome:
        """What to report about a picture once it is written."""
        interrupted = result.record.stopped == "interrupted"
        if interrupted and (was_finished or not self._keep_partial):
            return replace(interrupted_task(task), output=str(output))
        height, width = result.picture.pixels.shape[:2]
        details = {"width": width, "height": height, "seconds": seconds, "score": result.record.score}
        notes = _notes(start, result)
        if self._animation:
            notes.append(f"animation: {self._animation.path}")
            details["animation"] = str(self._animation.path)
        status, remarks = ("interrupted", ["the best so far"]) if interrupted else ("done", notes)
        message = f"({'; '.join(remarks)})" if remarks else ""
        return Outcome(status, task.title, str(output), message, details=details, result=result)


def run_film(
    film: Film, title: str, begin: Begin = lambda _title: None, on_film: Callable[[Film], None] = lambda _film: None
) -> Outcome:
    """Make a film, or the part that is missing, and say what became of it.

    Raises:
        DreamcliError: see `Film.make` and `Film.is_made`.
    """
    output = str(film.output)
    started = time.perf_counter()
    try:
        if film.is_made():
            return Outcome("skipped", title, output, "(already made)")
        on_film(film)
        stopped = film.make(begin(film.output.name))
    except KeyboardInterrupt:
        message = "(run the same command to continue)" if film.folder.is_dir() else "(not kept)"
        return Outcome("interrupted", title, output, message)
    details: dict[str, object] = {"frames": film.frames, "seconds": round(time.perf_counter() - started, 3)}
    if stopped == "interrupted":
        message = "(what was made so far; run the same command to continue)"
        return Outcome("interrupted", title, output, message, details=details)
    return Outcome("done", title, output, f"({'; '.join(film.notes)})" if film.notes else "", details=details)


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


def recorded_name(source: Path) -> str:
    """What a record calls an input: the path as typed, or only the name of an absolute path, which says too much."""
    return source.name if source.is_absolute() else source.as_posix()


def failure(source: str, output: Path, error: Exception) -> Outcome:
    """The outcome for an exception that is being handled."""
    message, hint = describe(error)
    message = message.removeprefix(f"{source}: ")  # which is in front of it anyway
    return Outcome("failed", source, str(output), message, hint, trace=traceback.format_exc())


def interrupted_task(task: Task) -> Outcome:
    """The outcome of a task that was interrupted and left nothing."""
    return Outcome("interrupted", task.title, str(task.output), "(not kept)")


def _notes(start: Picture | None, result: Result) -> list[str]:
    notes = [*(start.notes if start else ()), *result.record.notes]
    if seen := result.record.seen_by:
        notes.append(seen)
    if start and np.array_equal(result.picture.pixels, start.pixels):
        notes.append("unchanged")
    if result.record.stopped == "non-finite":
        notes.append("stopped early: the values were no longer finite")
    return notes
