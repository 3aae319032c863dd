"""The record that every output carries: what it was made from, and how."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from dreamcli.errors import DreamcliError, WrongRequest
from dreamcli.forms import completed, settings_from_json
from dreamcli.settings.base import Settings

from .formats import WITH_RECORD
from .regular import MAX_RESULT, MAX_TEXT, open_regular

KEYWORD = "dreamcli"  # of a PNG's iTXt chunk
_ASCII = b"ASCII\0\0\0"  # the encoding that an EXIF UserComment begins with


@dataclass(frozen=True)
class Provenance:
    """Everything that determines a picture. Equal ones give the same picture.

    Attributes:
        settings: all settings of the art form, and the device and precision.
        network: "name" and "sha256" (of the weights), each joined by "+" for several networks.
        input: the SHA-256 of the input file; empty for noise.
        others: the SHA-256 of each reference picture, by role, such as "guide".
        judge: like ``network``, for the judge that chose among attempts; empty without one.
    """

    command: str
    settings: dict[str, Any]
    network: dict[str, str]
    input: str
    others: dict[str, str] = field(default_factory=dict)
    judge: dict[str, str] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        # as JSON, so that tuples equal lists
        return isinstance(other, Provenance) and _json(asdict(self)) == _json(asdict(other))

    __hash__ = None  # type: ignore[assignment]

    @property
    def judge_chooses(self) -> bool:
        """Whether the picture depends on the judge, which chooses among attempts."""
        return self.command == "class" and bool(self.settings.get("best_of", 1) > 1)

    def form_settings(self) -> Settings:
        """The settings of the art form: all but the device, the precision and the weights of styles.

        Raises:
            WrongRequest: this version has no such settings.
        """
        others = ("device", "precision", "weights")
        values = {name: value for name, value in self.settings.items() if name not in others}
        try:
            return settings_from_json(self.command, values)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise WrongRequest("this version doesn't know these settings") from error

    def gives_same_picture_as(self, other: Provenance) -> bool:
        """Whether this, from a record, gives the picture that ``other`` is about to give.

        Older records name judges that didn't choose, too, and lack settings that were added later.
        """
        this, other = (replace(each, settings=completed(each.command, each.settings)) for each in (self, other))
        return this == other or (not other.judge_chooses and replace(this, judge=other.judge) == other)


@dataclass(frozen=True)
class Record:
    """What a picture was made from, and how that went. In JSON, the provenance is called "job".

    Attributes:
        source: the input's path as typed if it was relative, otherwise its name; empty for noise.
        versions: of dreamcli and torch.
        score: "before" and "after": the objective, None where it isn't finite; "high_frequencies": the share of
            energy above a quarter cycle per pixel; "top5": the classes that the networks see in the picture, with
            their probabilities; "seen_by": a "network" that wasn't used to make it, and its "top5".
        stopped: "done", or why it ended early: "interrupted" or "non-finite".
        other_sources: the path of each of ``provenance.others``, by role, like ``source``.
        notes: remarks to show the user.
    """

    provenance: Provenance
    source: str
    versions: dict[str, str] = field(default_factory=dict)
    score: dict[str, Any] = field(default_factory=dict)
    stopped: str = "done"
    other_sources: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def witness(self) -> str:
        """The network that says what it sees in the picture; empty without one."""
        seen = self.score.get("seen_by")
        return str(seen.get("network", "")) if isinstance(seen, dict) else ""

    @property
    def seen_by(self) -> str:
        """What the witness sees, in words; empty without one, or if it sees nothing."""
        if not self.witness or not self.score["seen_by"]["top5"]:
            return ""
        label, probability = self.score["seen_by"]["top5"][0]
        return f"seen by {self.witness}: {label} {100 * probability:.0f}%"

    def to_dict(self) -> dict[str, object]:
        """The record as it is written in JSON."""
        fields = asdict(self)
        return {"job": fields.pop("provenance"), **fields}

    def to_json(self) -> str:
        """One line of ASCII, the same for equal records."""
        return _json(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Read what `to_json` wrote. Whatever a stranger wrote instead, each value has its type.

        Raises:
            ValueError: the text isn't a record, or is longer than `MAX_TEXT`; those that we write have a tenth of that.
        """
        if len(text) > MAX_TEXT:
            raise ValueError("longer than any record")
        try:
            fields = json.loads(text)
            _json(fields)  # which has no infinity
            made_from = Provenance(**fields["job"])
            others = {name: value for name, value in fields.items() if name != "job"}
            record = cls(made_from, **{**others, "notes": tuple(fields.get("notes", ()))})
            of_texts = [made_from.network, made_from.others, made_from.judge, record.versions, record.other_sources]
            if not all(isinstance(group, dict) for group in (*of_texts, made_from.settings, record.score)):
                raise TypeError("a group of values is not an object")
            texts = [made_from.command, made_from.input, record.source, record.stopped, *record.notes]
            texts += [value for group in of_texts for value in group.values()]
            if not all(isinstance(text, str) for text in texts):
                raise TypeError("a value is not text")
            named = [group for group in (made_from.network, made_from.judge) if group or group is made_from.network]
            is_named = all({"name", "sha256"} <= set(group) for group in named)
            if not is_named or not set(made_from.others) <= set(record.other_sources):
                raise TypeError("a name is missing")
            _ = record.seen_by
        except (TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
            raise ValueError(f"not a dreamcli record ({error})") from error
        return record


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, allow_nan=False)


def read_record(path: Path) -> Record | None:
    """Read the record inside a PNG, JPEG, WebP or GIF; None if there is none.

    Raises:
        DreamcliError: the file can't be read as a picture.
    """
    try:
        with open_regular(path, MAX_RESULT) as file, open_result(file) as image:
            text = image.info.get(KEYWORD)
            if image.format == "GIF":
                text = image.info.get("comment", b"").decode("ascii")
            elif text is None:
                comment = image.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment, b"")
                text = comment.removeprefix(_ASCII).decode("ascii") if comment.startswith(_ASCII) else None
        return Record.from_json(str(text)) if text else None
    except DreamcliError as error:
        raise DreamcliError(f"{path}: {error}") from error
    except ValueError:
        return None
    except Exception as error:
        raise DreamcliError(f"{path}: not a readable picture ({error})") from error


def open_result(file: IO[bytes]) -> ImageFile.ImageFile:
    """Open a picture that may carry a record, however large. `Image.open` has a limit, as a defense.

    Raises:
        UnidentifiedImageError: its format can't carry a record.
    """
    Image.init()
    prefix = file.read(16)
    for factory, accept in (Image.OPEN[name] for name in WITH_RECORD):
        if accept and accept(prefix):
            file.seek(0)
            return factory(file, "")
    raise UnidentifiedImageError("not a PNG, JPEG, WebP or GIF")


def exif_with(record: Record) -> Image.Exif:
    """EXIF data with the record as its UserComment."""
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = _ASCII + record.to_json().encode("ascii")
    return exif
