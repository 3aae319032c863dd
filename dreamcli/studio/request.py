"""A request for pictures, from the page or a record; and the command line or preset for the same."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dreamcli.errors import check
from dreamcli.files.plan import outputs_by_default
from dreamcli.files.reading import Picture, read_size
from dreamcli.networks.model_spec import parse_models
from dreamcli.networks.registry import is_listed, labels_of, listing
from dreamcli.settings.base import Settings
from dreamcli.settings.references import References
from dreamcli.settings.setup import Setup
from dreamcli.settings.spelling import words

from .pictures import ReadInput, Result, read_file, recorded_name

if TYPE_CHECKING:
    # torch takes seconds to import, and a plan of nothing but broken files needs none
    from dreamcli.art.artwork import OnStep

    from .session import Session

Read = Callable[[Path], Picture]
OpenSession = tuple["Session", "References[ReadInput]"]


def open_session(setup: Setup, references: References[Path], read: Read, blank: bool = False) -> OpenSession:
    """Read the references, import torch, and load the networks; if they may be ``blank``, without any download.

    Raises:
        WrongRequest, DreamcliError: a network, its weights or a reference can't be opened.
    """
    found = references.map(lambda path: read_file(path, recorded_name(path), read))
    for spec in parse_models(setup.model):
        listing(spec.name)  # a wrong name is found before torch is imported
    from dreamcli.engine.compute import keep_freed_memory

    from .session import Session

    keep_freed_memory()
    return Session(**vars(setup), blank=blank), found


def _typed_name(path: Path) -> str:
    """A file's name as it is typed in its folder: one that begins like an option needs more."""
    return f"./{path.name}" if path.name.startswith("-") else path.name


@dataclass(frozen=True, kw_only=True)
class Request:
    """A picture, or several of a kind, to make.

    Attributes:
        settings: of the art form.
        setup: the networks.
        start: the picture to start from; None for noise.
        references: the pictures besides it.
    """

    settings: Settings
    setup: Setup
    start: Path | None = None
    references: References[Path] = field(default_factory=References)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes."""
        return labels_of(parse_models(self.setup.model)[0].name)

    @property
    def file_names(self) -> list[str]:
        """The names of the results, as the command line chooses them."""
        title = self.settings.title(self.labels, self.setup.model)
        return [path.name for path in outputs_by_default(title, self.start, self.settings)]

    def within(self, largest: int) -> Request:
        """The same request, made no larger than this many pixels on the longer side.

        Raises:
            WrongRequest: it asks for more.
            DreamcliError: the picture to start from can't be read.
        """
        size = self.settings.size
        check(size is None or size <= largest, f"pictures here can have at most {largest} pixels on the longer side")
        side = self.settings.side(max(read_size(self.start)) if self.start else None)
        return self if side <= largest else replace(self, settings=replace(self.settings, size=largest))

    def make(self, session: Session, read: Read, on_step: OnStep) -> list[Result]:
        """Make it.

        Raises:
            DreamcliError: a picture can't be read, or it can't be made.
        """

        def opened(path: Path) -> ReadInput:
            return read_file(path, path.name, read)

        references = self.references.map(opened)
        session.check(self.settings, references)
        return session.make(self.settings, opened(self.start) if self.start else None, references, on_step)

    def command_line(self) -> str:
        """The command that makes the same picture, from files of the same names."""
        settings, start = self.settings, self.settings.start_options(self.start is not None)
        names = [self.labels[index] for index in getattr(settings, "classes", ())]
        typed = ["dreamcli", settings.command]
        typed += names if settings.takes_names else words({"class": names})
        typed += words(start)
        if self.start:
            typed += ["--start", _typed_name(self.start)] if settings.takes_names else [_typed_name(self.start)]
        typed += words(self.references.options(_typed_name)) + words(settings.changed())
        if self.setup.model != settings.model:
            typed += ["--model", self.setup.model]
        return shlex.join(typed)

    def preset(self) -> dict[str, object]:
        """What a preset for the same holds, by option.

        Masks are left out: they fit one picture only. So are weights of your own and a judge: a record has only their
        digests, not their files.
        """
        references = replace(self.references, mask=None).options(lambda path: str(path.resolve()))
        options = (
            self.settings.changed(self.settings.options_for_help())
            | references
            | self.settings.start_options(self.start is not None)
        )
        # code and weights of your own are read only if they are named by hand
        if all(spec.weights is None and is_listed(spec.name) for spec in parse_models(self.setup.model)):
            options["model"] = self.setup.model
        return options
