"""Make what a plan says, one picture after the other, while the next is read and the last is written."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import DreamcliError, unexpected
from .files.decoder import reader
from .files.plan import Task, fitting
from .files.reading import Picture, read_picture
from .files.record import Job, Record, read_record
from .files.writing import check_fits, write_picture

if TYPE_CHECKING:
    # torch takes seconds to import, and a plan of nothing but bad files needs none
    from .art.artwork import OnStep
    from .film import Film
    from .studio import Studio

Commission = tuple[Task, Any]  # what to make, and the art form's settings for it
Begin = Callable[[str], "OnStep | None"]  # told what is made next, it gives what to call at each step


@dataclass(frozen=True)
class Outcome:
    """What became of one output, and of what it was made from.

    Attributes:
        status: "done", "skipped", "failed", "interrupted" or "planned".
        source: the input, as a person calls it.
        output: its path.
        message: the reason, or a remark.
        details: more about it, as JSON values.
        trace: the traceback of what failed.
    """

    status: str
    source: str
    output: str
    message: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    trace: str = ""


@dataclass(frozen=True)
class Earlier:
    """A file that is at an output's place already.

    Attributes:
        record: that it carries, if it does.
        whole: whether it has one and can be read to its end; a file that was cut short may still hold its record.
    """

    record: Record | None
    whole: bool


@dataclass(frozen=True)
class Material:
    """What was read for a task.

    Attributes:
        picture: what it starts from; None for noise.
        earlier: what is at the place of each of its outputs.
    """

    picture: Picture | None
    earlier: list[Earlier | None]


@dataclass(frozen=True)
class Made:
    """A picture that waits to be written.

    Attributes:
        output: where to.
        picture, record: it.
        outcome: what to report once it is written.
    """

    output: Path
    picture: Picture
    record: Record
    outcome: Outcome


class Bench:
    """Where pictures are made: each is read, made and written, and that one fails stops no other.

    Args:
        open_studio: called with an art form's settings when there is a first picture to make.
        overwrite: replace what was made in another way.
        alone: there is one picture only, so if it is interrupted, the best so far is kept.
        studio: if it is open already.
        safe_decode: read inputs in another process, with limits.
        film: takes the ascent of the one picture that is made.
    """

    def __init__(
        self,
        open_studio: Callable[[Any], Studio],
        overwrite: bool = False,
        alone: bool = False,
        studio: Studio | None = None,
        safe_decode: bool = False,
        film: Film | None = None,
    ) -> None:
        self._open_studio = open_studio
        self._overwrite = overwrite
        self._alone = alone
        self._studio = studio
        self._read = reader(safe_decode)
        self._film = film

    def read(self, commission: Commission) -> Material:
        """Read what a picture is made from, and what is at its place already.

        Raises:
            DreamcliError: the input can't be read, or the plan knew of a problem.
        """
        task, _ = commission
        if task.problem:
            raise DreamcliError(task.problem)
        picture = self._read(task.source) if task.source else None
        return Material(picture, [look_at(output) for output in outputs_of(*commission)])

    def make(self, commission: Commission, material: Material, begin: Begin) -> list[Made | Outcome]:
        """Make the pictures of a task; those that could not be made are told as outcomes.

        Raises:
            WrongRequest, DreamcliError: the studio can't be opened, so no picture can be made.
        """
        task, settings = commission
        self._studio = self._studio.with_settings(settings) if self._studio else self._open_studio(settings)
        try:
            return self._make(self._studio, commission, material, begin)
        except Exception as error:  # the other pictures go on
            return [failure(task.title, task.output, error)]

    def _make(self, studio: Studio, commission: Commission, material: Material, begin: Begin) -> list[Made | Outcome]:
        from .studio import Source

        task, picture, outputs = commission[0], material.picture, outputs_of(*commission)
        found = list(zip(outputs, material.earlier, studio.jobs(picture), strict=True))
        finished = [finished_before(output, earlier, job, self._overwrite) for output, earlier, job in found]
        film = self._film
        filmed = film is None or finished_before(
            film.path, look_at(film.path), found[0][2], self._overwrite, "--animate"
        )
        if all(finished) and filmed and not self._overwrite:
            return [Outcome("skipped", task.title, str(output), "(already made)") for output in outputs]
        if size := studio.size(picture):
            check_fits(task.output, *size)
        started = time.perf_counter()
        source = Source(picture, typed(task.source)) if picture and task.source else None
        on_step = begin(task.title)
        made = studio.make(source, film.watching(picture, on_step) if film else on_step)
        seconds = round((time.perf_counter() - started) / len(outputs), 3)
        return [
            Outcome("interrupted", task.title, str(output), "(not kept)")
            if record.stopped == "interrupted" and (was_finished or not self._alone)
            else Made(output, result, record, _told(task.title, output, picture, result, record, seconds, film))
            for output, was_finished, (result, record) in zip(outputs, finished, made, strict=True)
        ]

    def write(self, made: Made | Outcome) -> Outcome:
        """Write a picture, and tell what became of it."""
        if isinstance(made, Outcome):
            return made
        try:
            if not self._overwrite:  # another run may have written there meanwhile
                finished_before(made.output, look_at(made.output), made.record.job, self._overwrite)
            write_picture(made.output, made.picture, made.record)
            if self._film:
                self._film.write(made.picture, made.record)
        except Exception as error:
            return failure(made.outcome.source, made.output, error)
        return made.outcome


def work(
    commissions: Sequence[Commission],
    bench: Bench,
    report: Callable[[list[Outcome]], None],
    begin: Begin = lambda _title: None,
) -> bool:
    """Make everything, in order. The next picture is read and the last one written while one is made.

    Args:
        commissions: what to make.
        bench: where.
        report: called, from one thread, with the outcomes of each task as soon as it has ended.
        begin: called before a picture is made.

    Returns:
        whether it came to the end; False if it was interrupted. What was finished by then is written.

    Raises:
        WrongRequest, DreamcliError: the studio can't be opened.
    """
    current: Commission | None = None
    interrupted = False
    try:
        with ThreadPoolExecutor(1, "reader") as reader, ThreadPoolExecutor(1, "writer") as writer:
            written: Future[None] | None = None
            for current, reading in _read_ahead(reader, bench.read, commissions):
                made = _made(bench, current, reading, begin)
                if written:
                    written.result()
                written = writer.submit(lambda made: report([bench.write(item) for item in made]), made)
                current = None
                if interrupted := any(_is_interrupted(item) for item in made):
                    break
            if written:
                written.result()
    except KeyboardInterrupt:
        # by here, the last picture is written
        if current:
            report([Outcome("interrupted", current[0].title, str(current[0].output), "(not kept)")])
        return False
    return not interrupted


def _read_ahead(
    reader: ThreadPoolExecutor, read: Callable[[Commission], Material], commissions: Sequence[Commission]
) -> Iterator[tuple[Commission, Future[Material]]]:
    """Every commission with its material, of which one more than is asked for is read."""
    ahead: tuple[Commission, Future[Material]] | None = None
    for commission in chain(commissions, [None]):
        following = (commission, reader.submit(read, commission)) if commission else None
        if ahead:
            yield ahead
        ahead = following


def _made(bench: Bench, commission: Commission, reading: Future[Material], begin: Begin) -> list[Made | Outcome]:
    task, _ = commission
    try:
        material = reading.result()
    except Exception as error:
        return [failure(str(task.source or task.title), task.output, error)]
    return bench.make(commission, material, begin)


def _is_interrupted(item: Made | Outcome) -> bool:
    return (item.outcome if isinstance(item, Made) else item).status == "interrupted"


def outputs_of(task: Task, settings: Any) -> list[Path]:
    """The files that a task gives: one, or, for a count of several, numbered ones."""
    count = getattr(settings, "count", 1)
    if count == 1 or getattr(settings, "sheet", False):
        return [task.output]
    stem, suffix = task.output.stem, task.output.suffix
    return [task.output.with_name(fitting(stem, f"-{i + 1}{suffix}")) for i in range(count)]


def look_at(output: Path) -> Earlier | None:
    """What is at an output's place; None if there is nothing."""
    if not output.exists():
        return None
    record, whole = None, False
    with suppress(DreamcliError):
        record = read_record(output)
        if record:  # so what is not ours is not unpacked
            read_picture(output, limited=False)
            whole = True
    return Earlier(record, whole)


def finished_before(output: Path, earlier: Earlier | None, job: Job, overwrite: bool, option: str = "-o") -> bool:
    """Whether a job was finished by an earlier run; ``option`` is what chose the place.

    Raises:
        DreamcliError: there is something else, and it may not be overwritten.
    """
    if earlier is None:
        return False
    record = earlier.record
    if not overwrite and (record is None or record.job != job):
        how = "made with other settings" if record else "not made by dreamcli"
        raise DreamcliError(f"{output} is there already, {how}; choose another with {option}, or add --overwrite")
    # one that stopped early at a value that is not finite would do so again
    return earlier.whole and record is not None and record.stopped != "interrupted"


def typed(source: Path) -> str:
    """How the record names an input: as it was typed, but an absolute path, which tells of its owner, by its name."""
    return source.name if source.is_absolute() else source.as_posix()


def failure(source: str, output: Path, error: Exception) -> Outcome:
    """What is told about an error that is being handled."""
    message = str(error) if isinstance(error, DreamcliError) else unexpected(error)
    return Outcome("failed", source, str(output), message, trace=traceback.format_exc())


def _told(
    source: str, output: Path, picture: Picture | None, made: Picture, record: Record, seconds: float, film: Film | None
) -> Outcome:
    """What to report about a picture that was made, once it is written."""
    height, width = made.pixels.shape[:2]
    details: dict[str, Any] = {"width": width, "height": height, "seconds": seconds, "score": record.score}
    notes = _notes(picture, made, record)
    if film:
        notes.append(f"its ascent: {film.path}")
        details["animation"] = str(film.path)
    if record.stopped == "interrupted":
        return Outcome("interrupted", source, str(output), "(the best so far)", details)
    return Outcome("done", source, str(output), f"({'; '.join(notes)})" if notes else "", details)


def _notes(picture: Picture | None, made: Picture, record: Record) -> list[str]:
    notes = [*(picture.notes if picture else ()), *record.notes]
    if picture and np.array_equal(made.pixels, picture.pixels):
        notes.append("unchanged")
    if record.stopped == "non-finite":
        notes.append("stopped early: the values were no longer finite")
    return notes
