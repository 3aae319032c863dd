"""Check what is already at an output's path. This is how a batch resumes: no other state is kept on disk."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from dreamcli.errors import DreamcliError, Hint

from .animation import is_animation, read_film
from .formats import FILMS, VIDEOS
from .reading import read_picture
from .record import Job, Record, read_record
from .video import read_video_record


@dataclass(frozen=True)
class ExistingOutput:
    """A file at the place of an output.

    Attributes:
        record: the record that it carries, if any.
        is_whole: whether it carries one and can be read to its end; one that was cut short may still have its record.
    """

    record: Record | None
    is_whole: bool

    @property
    def is_finished(self) -> bool:
        """Whether a run wrote it to its end; one that stopped at a non-finite value would stop there again."""
        return self.is_whole and self.record is not None and self.record.stopped != "interrupted"

    def is_of(self, job: Job) -> bool:
        """Whether it was made by the same job."""
        return self.record is not None and self.record.job.gives_same_picture_as(job)


def look_at(output: Path) -> ExistingOutput | None:
    """Look at the place of an output; None if there is nothing."""
    if not output.exists():
        return None
    record, is_whole = None, False
    with suppress(DreamcliError):
        record = record_in(output)
        if record:  # don't decode what isn't ours
            if output.suffix.lower() in FILMS and is_animation(output):
                deque(read_film(output), maxlen=1)
            else:
                read_picture(output, limited=False)
            is_whole = True
    return ExistingOutput(record, is_whole)


def record_in(path: Path) -> Record | None:
    """Read the record inside a picture or a film; None if there is none.

    Raises:
        DreamcliError: the file can't be read.
    """
    return read_video_record(path) if path.suffix.lower() in VIDEOS else read_record(path)


def refuse_others(output: Path, existing: ExistingOutput | None, job: Job, hint: Hint = Hint.OVERWRITE) -> None:
    """Refuse to overwrite anything but what an earlier run of the same job left.

    Args:
        existing: the file at ``output``.

    Raises:
        DreamcliError: there is; ``hint`` says what helps.
    """
    if existing and not existing.is_of(job):
        how = "not made by dreamcli"
        if existing.record:
            is_other_input = existing.is_of(replace(job, input=existing.record.job.input))
            how = "made from another picture" if is_other_input else "made with different settings"
        raise DreamcliError(f"{output} already exists, but was {how}", hint)


def is_made(output: Path, job: Job, hint: Hint = Hint.OVERWRITE) -> bool:
    """Whether an earlier run finished a job's output.

    Raises:
        DreamcliError: something else is there; see `refuse_others`.
    """
    existing = look_at(output)
    refuse_others(output, existing, job, hint)
    return existing is not None and existing.is_finished
