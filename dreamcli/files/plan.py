"""Turn inputs and an output into a plan: what is made from what, before any work starts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from dreamcli.errors import DreamcliError, Hint, Install, WrongRequest
from dreamcli.settings.base import Settings

from .clip import is_animated, is_video
from .formats import FILMS, PIPE, WRITTEN
from .identity import RealPaths, identity
from .naming import fill_in, fit_name, is_template, names_of
from .resume import record_in
from .walk import checked_inputs, find, is_glob

_STYLE = "{style}"  # in a template


@dataclass(frozen=True, slots=True)
class Task:
    """One or more pictures to make from the same input.

    Attributes:
        source: the input, as typed or found; None if the pictures start from noise.
        output: where the result goes.
        settings: how to make it.
        problem: why it can't be made, if that is known already.
        hint: what would help with the problem.
        name: what to call the task if it wasn't planned from an input.
        folder: the folder that was typed, if the input was found in one.
        is_film: whether a film is made of it, since it moves.
        style: which style it is made in, counted from 0; None for all of them.
        only: which of the pictures is kept, counted from 0; None for all of them.
    """

    source: Path | None
    output: Path
    settings: Settings
    problem: str = ""
    hint: Hint | Install | None = None
    name: str = ""
    folder: Path | None = None
    is_film: bool = False
    style: int | None = None
    only: int | None = None

    @property
    def title(self) -> str:
        """What to call the task in a report."""
        return self.name or str(self.source)

    @property
    def key(self) -> str:
        """A name that is the same on every machine, wherever its folder is there."""
        if self.name or not self.source:
            return self.name
        return (self.source.relative_to(self.folder) if self.folder else _mirrored(self.source)).as_posix()

    @property
    def outputs(self) -> list[Path]:
        """The file of each picture: ``output``, or named or numbered ones if there are several."""
        count, place = self.settings.output_count, self.output
        if self.only is not None:
            return [place]
        if names := self.settings.output_names:
            return [place.with_name(fit_name(name, place.suffix)) for name in names]
        if count == 1:
            return [place]
        return [place.with_name(fit_name(place.stem, f"-{number}{place.suffix}")) for number in range(1, count + 1)]


def make_plan(
    inputs: Iterable[str],
    output: str | None,
    settings: Settings,
    follow_links: bool = False,
    left_out: set[Path] | None = None,
    animated: bool = True,
) -> list[Task]:
    """Decide where the result of each input goes.

    A video becomes a film, and so does an animated picture unless the output is called like a picture, if the form
    takes videos.

    Inputs that are earlier results of the same plan are left out, as in a second ``dreamcli dream *.png``, and so are
    repeated ones.

    Args:
        inputs: files, folders (walked recursively) and globs, in the order typed.
        output: a file for one input; otherwise a folder that mirrors the inputs' tree, where folders keep their names
            if there are several; or a template, see `fill_in`. The default is ``./STEM-COMMAND.png``, and
            ``./FOLDER-COMMAND/`` for a folder; films end in .mp4, .gif or .webp.
        follow_links: follow symbolic links in folders. An input that is a link is always followed.
        left_out: gets the pictures in folders that were left out because they carry a record.
        animated: open pictures to see which are animated; otherwise, none is taken to be.

    Raises:
        WrongRequest: two inputs have one output, an output is an input, or the output isn't a picture's name.
    """
    inputs = checked_inputs(inputs)
    several = len(inputs) > 1
    template = output if is_template(output) else None
    is_several = several or os.path.isdir(inputs[0]) or is_glob(inputs[0])
    is_folder = not template and _is_folder(output, is_several, settings.takes_videos)
    destination = _Destination(output, template, is_folder, several, settings, animated)
    real = RealPaths()
    tasks = _once((task for given in inputs for task in destination.tasks(given, follow_links, left_out)), real)
    tasks = _without_results(_numbered(_told_apart(tasks, real), real), real)
    hint = Hint.TEMPLATE if template else Hint.TWO_RUNS if output else Hint.FOLDER_OUTPUT
    _refuse_losses(tasks, real, hint)
    return tasks


def plan_named(wanted: Sequence[tuple[str, Settings]], output: str | None, source: Path | None = None) -> list[Task]:
    """Decide where pictures go that have names instead of inputs.

    Args:
        wanted: the name and settings of each picture; all settings are of the same command.
        output: a file for one picture, otherwise a folder; or a template, see `fill_in`. The default is
            ``./NAME-COMMAND.png``.
        source: the picture that all of them start from, if any.

    Raises:
        WrongRequest: two pictures have one output, or the output is the source or isn't a picture's name.
    """
    template = output if is_template(output) else None
    is_folder = not template and _is_folder(output, len(wanted) > 1)
    tasks = []
    for name, settings in wanted:
        if template:
            place = fill_in(template, settings, _stem_of(name))
        elif output and not is_folder:
            place = Path(output)
        else:
            place = Path(output or ".") / default_output(_stem_of(name), settings)
        tasks.append(Task(source, place, settings, name=name))
    _refuse_losses(tasks, RealPaths(), Hint.TEMPLATE if template else Hint.TWO_RUNS)
    return tasks


def plan_each_style(styles: Sequence[Path], output: str | None, plan: Callable[[str | None], list[Task]]) -> list[Task]:
    """Plan everything once for each style: ``{style}`` in a template is its name, which else ends each output's.

    Args:
        plan: makes the plan for all styles at once, given the output.

    Raises:
        WrongRequest: two pictures have one output, or see ``plan``.
    """
    in_template = is_template(output)
    tasks = plan(output.replace(_STYLE, f"{{{_STYLE}}}") if output and in_template else output)
    names, real = names_of(styles), RealPaths()

    def in_style(task: Task, number: int) -> Task:
        place = task.output
        if task.problem:
            return replace(task, style=number)
        if in_template and _STYLE in str(output):
            place = Path(str(place).replace(_STYLE, names[number]))
        else:
            place = place.with_name(f"{place.stem}-{names[number]}{place.suffix}")
        return replace(task, output=place.with_name(fit_name(place.stem, place.suffix)), style=number)

    each = [in_style(task, number) for task in tasks for number in range(1 if task.problem else len(names))]
    if all(task.source for task in each):
        each = _without_results(each, real)
    _refuse_losses(each, real, Hint.TEMPLATE)
    return each


def default_output(stem: str, settings: Settings) -> Path:
    """Where a picture goes without ``-o``: ``STEM-COMMAND.png``."""
    return Path(fit_name(stem, f"-{settings.command}.png"))


def outputs_by_default(name: str, source: Path | None, settings: Settings) -> list[Path]:
    """The files of the pictures that are made from a source, or else have a name."""
    place = default_output(source.stem if source else _stem_of(name), settings)
    return Task(source, place, settings).outputs


def _stem_of(name: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in name).split()) or "unnamed"


def find_pictures(
    inputs: Iterable[str], settings: Settings, follow_links: bool = False, left_out: set[Path] | None = None
) -> list[Task]:
    """Find the pictures for work without outputs, each once. The arguments are those of `make_plan`.

    Raises:
        WrongRequest: an input has an empty name.
    """
    found = (each for given in checked_inputs(inputs) for each in find(given, follow_links, left_out=left_out))
    return _once((Task(f.source, Path(), settings, f.problem, f.hint, folder=f.folder) for f in found), RealPaths())


def refuse_overwriting(outputs: Iterable[Path], precious: Iterable[tuple[str, Path]]) -> None:
    """Refuse outputs that are, under whatever name, files that something is made from.

    Args:
        precious: such files: what each is, such as "an input", and its path.

    Raises:
        WrongRequest: naming the first.
    """
    existing = {known: output for output in outputs if (known := identity(output))}
    if not existing:
        return  # a first run with many inputs doesn't look at each of them
    for role, path in precious:
        if (known := identity(path)) and (output := existing.get(known)):
            raise WrongRequest(f"{output} is {role} and would be overwritten", Hint.OTHER_OUTPUT)


@dataclass(frozen=True)
class _Destination:
    """Where results go, as `make_plan` describes it."""

    output: str | None
    template: str | None
    is_folder: bool
    several: bool
    settings: Settings
    animated: bool

    def tasks(self, given: str, follow_links: bool, left_out: set[Path] | None = None) -> Iterator[Task]:
        """Plan one of the inputs."""
        folder, root, skip = Path(given), Path(self.output or "."), ""
        if os.path.isdir(given) and not self.template:
            root, skip = self._root(folder)
        for found in find(given, follow_links, skip, self.settings.takes_videos, left_out):
            source, problem, hint, output = found.source, found.problem, found.hint, root
            is_film = not problem and self._is_film(source)
            if self.template and not problem:
                inside = source.parent.relative_to(found.folder) if found.folder else Path()
                if found.folder and self.several:
                    inside = _mirrored(folder) / inside
                try:
                    output = self._filled_in(source, inside, is_film)
                except WrongRequest as error:
                    if not is_film:
                        raise
                    problem, hint = str(error), error.hint  # which may suit the pictures
            elif found.folder:
                output = root / source.parent.relative_to(folder) / fit_name(source.stem, _suffix(source, is_film))
            elif not problem:
                output = self._file(source, is_film)
            yield Task(source, output, self.settings, problem, hint, folder=found.folder, is_film=is_film)

    def _is_film(self, source: Path) -> bool:
        """Whether a film is made of an input: an animated picture is a picture where that is what was asked for."""
        if not self.settings.takes_videos:
            return False
        wanted = Path(self.output or "").suffix.lower()
        is_picture = not self.is_folder and wanted in WRITTEN and wanted not in FILMS
        return is_video(source) or (self.animated and not is_picture and is_animated(source))

    def _filled_in(self, source: Path, inside: Path, is_film: bool) -> Path:
        assert self.template
        endings = tuple(dict.fromkeys((_suffix(source, True), *FILMS))) if is_film else tuple(WRITTEN)
        return fill_in(self.template, self.settings, source.stem, source.suffix, inside, endings)

    def _root(self, folder: Path) -> tuple[Path, str]:
        """Where the results of a folder go, and the real path of the folder where all results go."""
        if not self.output:
            home = root = Path(f"{folder.resolve().name or 'pictures'}-{self.settings.command}")
        else:
            home = Path(self.output)
            root = home / _mirrored(folder) if self.several else home
        if os.path.realpath(folder) in map(os.path.realpath, (home, root)):
            raise WrongRequest(f"{folder} is an input folder and would be overwritten", Hint.OTHER_OUTPUT)
        return root, os.path.realpath(home)

    def _file(self, source: Path, is_film: bool) -> Path:
        suffix = _suffix(source, is_film)
        if not self.output:
            return Path(fit_name(source.stem, f"-{self.settings.command}{suffix}"))
        if not self.is_folder:
            return _checked(Path(self.output), FILMS if is_film else tuple(WRITTEN))
        mirrored = Path(self.output) / _mirrored(source)
        return mirrored.with_name(fit_name(mirrored.stem, suffix))


def _suffix(source: Path, is_film: bool) -> str:
    """The suffix of a result that was given none."""
    if not is_film:
        return ".png"
    return ".mp4" if is_video(source) else ".gif" if source.suffix.lower() == ".gif" else ".webp"


def _checked(output: Path, endings: Sequence[str]) -> Path:
    """An output, if it has one of these suffixes.

    Raises:
        WrongRequest: it doesn't.
    """
    if str(output) == PIPE and endings is FILMS:
        raise WrongRequest("a film can't go to stdout", Hint.OTHER_OUTPUT)
    if str(output) != PIPE and output.suffix.lower() not in endings:
        raise WrongRequest(f"{output} must end in {', '.join(endings)}, or be a folder")
    return output


def plan_film(source: Path, output: str | None, settings: Settings) -> Path:
    """Decide where a zoom into a picture goes: ``output``, a template or not, or ``./STEM-COMMAND.mp4``.

    Raises:
        WrongRequest: it isn't a film's name.
    """
    if output and is_template(output):
        return fill_in(output, settings, source.stem, source.suffix, endings=FILMS)
    path = Path(output or fit_name(source.stem, f"-{settings.command}.mp4"))
    if path.suffix.lower() not in FILMS:
        raise WrongRequest(f"{path} must end in {', '.join(FILMS)}")
    return path


def frames_folder(film: Path) -> Path:
    """Where the frames of a film are until it is finished."""
    return film.with_name(f"{film.name}.frames")


def _is_folder(output: str | None, several: bool, films: bool = False) -> bool:
    """Whether ``output`` names a folder. If it names a file, check that it suits a picture, or a film if it may."""
    if output == PIPE and several:
        raise WrongRequest("stdout takes one picture only")
    if output in (None, PIPE):
        return False
    if os.path.isdir(output) or output.endswith(("/", os.sep)):
        return True
    is_file = Path(output).suffix.lower() in (*WRITTEN, *(FILMS if films else ()))
    if several:
        if is_file or os.path.exists(output):
            raise WrongRequest(f"{output} is a file's name, but several pictures need a folder")
        return True
    if not is_file:
        _checked(Path(output), tuple(WRITTEN))
    return False


def _mirrored(source: Path) -> Path:
    """A path inside the output folder: the source's as it was typed, or its name alone if that leads elsewhere."""
    if source.name == "..":
        source = source.resolve()
    return Path(source.name) if source.is_absolute() or ".." in source.parts else source


def _once(tasks: Iterable[Task], real: RealPaths) -> list[Task]:
    """Leave out repeated sources, under whatever name."""
    first: dict[str, Task] = {}
    for task in tasks:
        first.setdefault(real.file(_source(task)), task)
    return list(first.values())


def _told_apart(tasks: list[Task], real: RealPaths) -> list[Task]:
    """Give a.jpg and a.png side by side the outputs a.jpg.png and a.png.png.

    But one that has its output a.png already, since it was alone at first, keeps it.
    """
    places = [real.place(task.output) for task in tasks]
    counts = Counter(places)

    def tell_apart(task: Task, place: str) -> Task:
        if task.problem or counts[place] == 1 or _was_made_from(task.output, _source(task)):
            return task
        name = fit_name(task.output.stem + _source(task).suffix, task.output.suffix)
        return replace(task, output=task.output.with_name(name))

    return list(map(tell_apart, tasks, places))


def _numbered(tasks: list[Task], real: RealPaths) -> list[Task]:
    """Number the outputs of a.jpg and A.JPG side by side, since some file systems don't tell their names apart."""
    places = [real.place(task.output) for task in tasks]
    sharing = Counter(places)
    first: dict[str, Task] = {}
    for task, place in zip(tasks, places, strict=True):
        if sharing[place] > 1 and _was_made_from(task.output, _source(task)):
            first[place] = task  # it is made already, and keeps its name
    counts: Counter[str] = Counter()

    def number(task: Task, place: str) -> Task:
        twin = first.setdefault(place, task)
        one, other = _source(twin), _source(task)
        is_twin = str(one).casefold() == str(other).casefold()
        if twin is task or task.problem or not is_twin:
            return task
        counts[place] += 1
        name = fit_name(task.output.stem, f"-{counts[place] + 1}{task.output.suffix}")
        return replace(task, output=task.output.with_name(name))

    return list(map(number, tasks, places))


def _was_made_from(output: Path, source: Path) -> bool:
    """Whether an output is there, and its record names this source."""
    with suppress(DreamcliError):
        record = record_in(output) if output.exists() else None
        return record is not None and Path(record.source).name == source.name
    return False


def _without_results(tasks: list[Task], real: RealPaths) -> list[Task]:
    """Leave out inputs that are earlier results of other tasks."""
    makers = {real.place(output): task for task in tasks if not task.problem for output in _claimed(task)}

    def is_result(task: Task) -> bool:
        source = _source(task)
        if makers.get(real.place(source), task) is not task:
            with suppress(DreamcliError):
                return record_in(source) is not None
        return False

    return [task for task in tasks if not is_result(task)]


def _claimed(task: Task) -> Iterable[Path]:
    """The outputs, and the name that they are numbered after: an earlier run may have made a single picture."""
    return task.outputs if task.settings.output_count == 1 else [task.output, *task.outputs]


def _refuse_losses(tasks: list[Task], real: RealPaths, hint: Hint) -> None:
    """Refuse a plan that would lose a picture; ``hint`` says what helps if two pictures have one output."""
    planned = [task for task in tasks if not task.problem]
    refuse_overwriting(
        (output for task in planned for output in _claimed(task)),
        (("an input", task.source) for task in tasks if task.source),
    )
    makers: dict[str, Task] = {}
    for task in planned:
        other = makers.setdefault(real.place(task.output), task)
        if other is not task:
            raise WrongRequest(f"{other.title} and {task.title} would both be written to {task.output}", hint)


def _source(task: Task) -> Path:
    assert task.source, "a task planned from inputs has one"
    return task.source
