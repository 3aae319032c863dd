"""What a second run skips: an output that is there already, whole and with the same provenance in its record.

No other state is kept on disk: no list of what was made, and no times. A dry run asks here, too.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from dreamcli.errors import DreamcliError, Hint

from .film import holds_film, read_film, read_video_record
from .formats import FILMS, VIDEOS
from .reading import read_picture
from .record import Provenance, Record, read_record


@dataclass(frozen=True)
class ExistingOutput:
    """A file at an output's path.

    Attributes:
        record: its record, if it has one.
        is_whole: whether it has a record and can be read to its end. A file that was cut short may have its record.
    """

    record: Record | None
    is_whole: bool

    @property
    def is_finished(self) -> bool:
        """Whether it needs no more work. A run that stopped at a non-finite value would stop there again."""
        return self.is_whole and self.record is not None and self.record.stopped != "interrupted"

    def is_of(self, provenance: Provenance) -> bool:
        """Whether it was made from the same things in the same way."""
        return self.record is not None and self.record.provenance.gives_same_picture_as(provenance)


def look_at(output: Path) -> ExistingOutput | None:
    """The file at an output's path; None if there is none."""
    if not output.exists():
        return None
    record, is_whole = None, False
    with suppress(DreamcliError):
        record = record_in(output)
        if record:  # files of others aren't decoded
            if output.suffix.lower() in FILMS and holds_film(output):
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


def refuse_others(
    output: Path, existing: ExistingOutput | None, provenance: Provenance, hint: Hint = Hint.OVERWRITE
) -> None:
    """Refuse to overwrite anything but the result of an earlier run with the same provenance.

    Args:
        existing: the file at ``output``.

    Raises:
        DreamcliError: it is something else; ``hint`` says what helps.
    """
    if existing and not existing.is_of(provenance):
        how = "not made by dreamcli"
        if existing.record:
            is_other_input = existing.is_of(replace(provenance, input=existing.record.provenance.input))
            how = "made from another picture" if is_other_input else "made with different settings"
        raise DreamcliError(f"{output} already exists, but was {how}", hint)


def is_made(output: Path, existing: ExistingOutput | None, provenance: Provenance, hint: Hint = Hint.OVERWRITE) -> bool:
    """Whether an output needn't be made, as an earlier run with the same provenance finished it.

    Args:
        existing: the file at ``output``, from `look_at`.

    Raises:
        DreamcliError: something else is there; ``hint`` says what helps.
    """
    refuse_others(output, existing, provenance, hint)
    return existing is not None and existing.is_finished
