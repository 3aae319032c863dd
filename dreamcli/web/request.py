"""What a visitor asks for, and the command line that asks for the same."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from dreamcli.art.artwork import OnStep
from dreamcli.errors import check
from dreamcli.files.plan import outputs_by_default
from dreamcli.files.reading import Picture, read_size
from dreamcli.networks.catalog import IN_THE_BOX, labels_of
from dreamcli.networks.model_spec import parse_models
from dreamcli.networks.wheels import WHEELS
from dreamcli.settings.base import Schedule, Settings
from dreamcli.settings.references import References
from dreamcli.settings.style import StyleSettings
from dreamcli.settings.typed import typed
from dreamcli.settings.visualization import BoostSettings, ClassSettings
from dreamcli.studio.pictures import ReadInput, Result, read_file
from dreamcli.studio.session import Session


@dataclass(frozen=True)
class Request:
    """A picture to make.

    Attributes:
        model: the networks' names, as they are typed.
        photo: the picture to start from; None for noise.
        references: the pictures besides it.
    """

    settings: Settings
    model: str
    photo: Path | None = None
    references: References[Path] = field(default_factory=References)

    def __post_init__(self) -> None:
        """Raise WrongRequest for networks that don't come with dreamcli: others are downloaded, or run code."""
        for spec in parse_models(self.model):
            known = spec.name in (*IN_THE_BOX, *WHEELS) and spec.weights is None
            check(known, f"{spec.name} can't be used on this page")
        needs_photo = not (self.settings.size_from_noise or self.settings.shows_network)
        check(self.photo is not None or not needs_photo, "drop a photograph first")

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes."""
        return labels_of(parse_models(self.model)[0].name)

    @property
    def file_names(self) -> list[str]:
        """The names of the results, as the command line would choose them."""
        if isinstance(self.settings, StyleSettings):
            name = "texture"
        elif isinstance(self.settings, ClassSettings):
            name = "sheet" if self.settings.sheet else "+".join(self.labels[index] for index in self.settings.classes)
        elif isinstance(self.settings, BoostSettings):
            name = "sheet" if self.settings.sheet else " ".join(map(str, self.settings.layers))
        else:
            name = "noise" if isinstance(self.settings, Schedule) else self.model
        return [path.name for path in outputs_by_default(name, self.photo, self.settings)]

    def within(self, largest: int) -> Request:
        """The same request, made no larger than this many pixels on the longer side.

        Raises:
            WrongRequest: it asks for more.
            DreamcliError: the photograph can't be read.
        """
        size = self.settings.size
        check(size is None or size <= largest, f"pictures here can have at most {largest} pixels on the longer side")
        side = self.settings.side(max(read_size(self.photo)) if self.photo else None)
        return self if side <= largest else replace(self, settings=replace(self.settings, size=largest))

    def make(self, session: Session, read: Callable[[Path], Picture], on_step: OnStep) -> list[Result]:
        """Make it.

        Raises:
            DreamcliError: a picture can't be read, or it can't be made.
        """

        def opened(path: Path) -> ReadInput:
            return read_file(path, path.name, read)

        references = self.references.map(opened)
        session.check(self.settings, references)
        return session.make(self.settings, opened(self.photo) if self.photo else None, references, on_step)

    def command_line(self) -> str:
        """The command that makes the same picture, from files of the same names."""
        words = ["dreamcli", self.settings.command]
        names = [self.labels[index] for index in getattr(self.settings, "classes", ())]
        if isinstance(self.settings, ClassSettings):
            words += names + (["--mix"] if len(names) > 1 and not self.settings.sheet else [])
        else:
            words += [word for name in names for word in ("--class", name)]
        if self.photo and isinstance(self.settings, ClassSettings):
            words += ["--start", self.photo.name]
        elif self.photo:
            words.append(self.photo.name)
        elif isinstance(self.settings, StyleSettings):
            words.append("--from-noise")
        elif self.settings.command == "dream":
            words += ["--start", "noise"]
        for role in ("guide", "mask"):
            path = getattr(self.references, role)
            words += [f"--{role}", path.name] if path else []
        words += [word for path in self.references.like for word in ("--like", path.name)]
        words += [word for style in self.references.styles for word in ("--style", style.picture.name)]
        words += typed(self.settings)
        if self.model != self.settings.model:
            words += ["--model", self.model]
        return shlex.join(words)
