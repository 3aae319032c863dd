"""The record that every output carries: what it was made of, and how."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from dreamcli.errors import DreamcliError

KEYWORD = "dreamcli"  # of the PNG's iTXt chunk
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")  # that can carry it
_ASCII = b"ASCII\0\0\0"  # how an EXIF UserComment says its encoding


@dataclass(frozen=True)
class Job:
    """Everything that decides what a picture will look like: two equal jobs give the same picture.

    Attributes:
        command: such as "dream".
        settings: all of the art form's settings, and the device and precision they were computed with.
        network: its name and the SHA-256 of its weights.
        input: the SHA-256 of the input picture's file; empty for noise.
        others: the SHA-256 of the other pictures that it is made from, by their role, such as "guide".
        judge: the judge's name and the SHA-256 of its weights, if there is one.
    """

    command: str
    settings: dict[str, Any]
    network: dict[str, str]
    input: str
    others: dict[str, str] = field(default_factory=dict)
    judge: dict[str, str] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        # as JSON, where a tuple and a list are the same
        return isinstance(other, Job) and _json(asdict(self)) == _json(asdict(other))

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Record:
    """A job, and what came of it.

    Attributes:
        job: what was asked for.
        source: the input's path as it was typed if that was relative, otherwise its name; empty for noise.
        versions: of dreamcli and torch.
        score: how good it is. "before" and "after": the objective, None where it is not finite;
            "high_frequencies": the share of energy above a quarter cycle a pixel; "top5": the classes that the
            network sees in it, with their probabilities; "judge": the same of the judge.
        stopped: "done", or why it ended early: "interrupted" or "non-finite".
        other_sources: the paths of ``job.others``, by role, as ``source``.
        notes: what else a person should know about how it was made.
    """

    job: Job
    source: str
    versions: dict[str, str] = field(default_factory=dict)
    score: dict[str, Any] = field(default_factory=dict)
    stopped: str = "done"
    other_sources: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """One line of ASCII, the same for the same record."""
        return _json(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Read what `to_json` wrote.

        Raises:
            ValueError: the text is no record.
        """
        try:
            fields = json.loads(text)
            record = cls(**{**fields, "job": Job(**fields["job"]), "notes": tuple(fields.get("notes", ()))})
            job = record.job
            texts = [job.command, job.input, job.network["name"], job.network["sha256"], record.source, record.stopped]
            if not all(isinstance(text, str) for text in texts):
                raise TypeError("a text is none")
            groups = (job.settings, job.others, job.judge, record.versions, record.score, record.other_sources)
            if not all(isinstance(group, dict) for group in groups):
                raise TypeError("a group of values is none")
            if not set(job.others) <= set(record.other_sources) or (
                job.judge and not {"name", "sha256"} <= set(job.judge)
            ):
                raise TypeError("a name is missing")
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a record of dreamcli ({error})") from error
        return record


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, allow_nan=False)


def read_record(path: Path) -> Record | None:
    """Read the record inside a PNG, JPEG, WebP or GIF; None if it carries none.

    Raises:
        DreamcliError: the file can't be read as a picture.
    """
    try:
        with open(path, "rb") as file, open_result(file) as image:
            text = image.info.get(KEYWORD)
            if image.format == "GIF":
                text = image.info.get("comment", b"").decode("ascii")
            elif text is None:
                comment = image.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment, b"")
                text = comment.removeprefix(_ASCII).decode("ascii") if comment.startswith(_ASCII) else None
        return Record.from_json(str(text)) if text else None
    except FileNotFoundError as error:
        raise DreamcliError(f"{path}: there is no such file") from error
    except ValueError:
        return None
    except Exception as error:
        raise DreamcliError(f"{path}: not a readable picture ({error})") from error


def open_result(file: IO[bytes]) -> ImageFile.ImageFile:
    """Open a picture that may carry a record, however large it is: `Image.open` has a limit, against strangers' files.

    Raises:
        UnidentifiedImageError: it is none of a format that can carry one.
    """
    Image.init()
    prefix = file.read(16)
    for factory, accept in (Image.OPEN[name] for name in _FORMATS):
        if accept and accept(prefix):
            file.seek(0)
            return factory(file, "")
    raise UnidentifiedImageError("no PNG, JPEG, WebP or GIF")


def exif_with(record: Record) -> Image.Exif:
    """EXIF data that carry the record as the user's comment."""
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = _ASCII + record.to_json().encode("ascii")
    return exif
