"""Plan which picture or film is made from which input, and where it goes, before any work starts."""

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
from .walk import Found, checked_inputs, find, is_glob

_STYLE = "{style}"  # in a template


@dataclass(frozen=True, slots=True)
class Task:
    """One or more pictures to make from the same input.

    Attributes:
        source: the input, as typed or found; None for noise.
        output: where the result goes.
        settings: how to make it.
        problem: why it can't be made, if that is known already.
        hint: what would help with the problem.
        name: the task's name if it wasn't planned from an input.
        folder: the folder that was typed, if the input was found in one.
        is_film: whether the result is a film.
        style: the index of the style to use; None for all styles.
        only: the index of the picture to keep; None for all pictures.
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
        """The task's name in a report."""
        return self.name or str(self.source)

    @property
    def key(self) -> str:
        """A name that is the same on every machine, wherever the folder is mounted."""
        if self.name or not self.source:
            return self.name
        return (self.source.relative_to(self.folder) if self.folder else _mirrored(self.source)).as_posix()

    @property
    def outputs(self) -> list[Path]:
        """The file of each picture: ``output``, or if there are several, named or numbered files next to it."""
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

    If the form takes videos, a video becomes a film, and so does an animated picture unless the output is named like a
    picture. A form that makes films takes pictures by name, and searches no folders.

    Repeated inputs are left out, and so are inputs that are earlier results of the same plan, as in a second
    ``dreamcli dream *.png``.

    Args:
        inputs: files, folders (walked recursively) and globs, in the order typed.
        output: a file for one input; otherwise a folder that mirrors the inputs' tree, where folders keep their names
            if there are several; or a template, see `fill_in`. The default is ``./STEM-COMMAND.png``, and
            ``./FOLDER-COMMAND/`` for a folder; films end in .mp4, .gif or .webp.
        follow_links: follow symbolic links in folders. An input that is a link is always followed.
        left_out: gets the pictures in folders that were left out because they carry a record.
        animated: open pictures to see which are animated; otherwise, none is taken to be.

    Raises:
        WrongRequest: two inputs have one output, an output is an input, or the output has the wrong ending.
    """
    inputs = checked_inputs(inputs)
    several = len(inputs) > 1
    is_folder = _is_folder(output, several or os.path.isdir(inputs[0]) or is_glob(inputs[0]), settings)
    destination = _Destination(output, is_template(output), is_folder, several, settings, animated)
    real = RealPaths()
    tasks = _once((task for given in inputs for task in destination.tasks(given, follow_links, left_out)), real)
    tasks = _without_results(_told_apart(tasks, real), real)
    hint = Hint.TEMPLATE if destination.is_template else Hint.TWO_RUNS if output else Hint.FOLDER_OUTPUT
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
        WrongRequest: two pictures have one output, or the output is the source or has the wrong ending.
    """
    is_folder = _is_folder(output, len(wanted) > 1)
    tasks = []
    for name, settings in wanted:
        place = Path(output or ".")
        if is_template(output):
            place = fill_in(str(output), settings, _stem_of(name))
        elif is_folder or not output:
            place /= default_output(_stem_of(name), settings)
        tasks.append(Task(source, place, settings, name=name))
    _refuse_losses(tasks, RealPaths(), Hint.TEMPLATE if is_template(output) else Hint.TWO_RUNS)
    return tasks


def plan_each_style(styles: Sequence[Path], output: str | None, plan: Callable[[str | None], list[Task]]) -> list[Task]:
    """Plan everything once for each style. Its name replaces ``{style}`` in a template, or ends each output's name.

    Args:
        plan: makes the plan of a single style, given the output.

    Raises:
        WrongRequest: two pictures have one output, or see ``plan``.
    """
    names_it = is_template(output) and _STYLE in str(output)
    tasks = plan(str(output).replace(_STYLE, f"{{{_STYLE}}}") if names_it else output)
    names, real = names_of(styles), RealPaths()

    def in_style(task: Task, number: int) -> Task:
        place, name = task.output, names[number]
        place = Path(str(place).replace(_STYLE, name)) if names_it else _renamed(place, f"-{name}")
        return replace(task, output=_renamed(place), style=number)

    each: list[Task] = []
    for task in tasks:
        each += [replace(task, style=0)] if task.problem else [in_style(task, at) for at in range(len(names))]
    if all(task.source for task in each):
        each = _without_results(each, real)
    _refuse_losses(each, real, Hint.TEMPLATE)
    return each


def default_output(stem: str, settings: Settings, suffix: str = ".png") -> Path:
    """Where a result goes if no output is named: ``STEM-COMMAND.png``."""
    return Path(fit_name(stem, f"-{settings.command}{suffix}"))


def outputs_by_default(name: str, source: Path | None, settings: Settings) -> list[Path]:
    """The files of a source's pictures, or of a name's without one, if no output is named."""
    place = default_output(source.stem if source else _stem_of(name), settings)
    return Task(source, place, settings).outputs


def _stem_of(name: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in name).split()) or "unnamed"


def find_pictures(
    inputs: Iterable[str], settings: Settings, follow_links: bool = False, left_out: set[Path] | None = None
) -> list[Task]:
    """Find pictures to look at, each once. The arguments are those of `make_plan`.

    Raises:
        WrongRequest: an input has an empty name.
    """
    found = (each for given in checked_inputs(inputs) for each in find(given, follow_links, left_out=left_out))
    return _once((Task(f.source, Path(), settings, f.problem, f.hint, folder=f.folder) for f in found), RealPaths())


def refuse_overwriting(outputs: Iterable[Path], precious: Iterable[tuple[str, Path]]) -> None:
    """Refuse outputs that are, under whatever name, files that something is made from.

    Args:
        precious: those files: what each is, such as "an input", and its path.

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
    is_template: bool
    is_folder: bool
    several: bool
    settings: Settings
    animated: bool

    def tasks(self, given: str, follow_links: bool, left_out: set[Path] | None = None) -> Iterator[Task]:
        """Plan one of the inputs."""
        settings, root, skip = self.settings, Path(self.output or "."), ""
        if os.path.isdir(given) and not self.is_template and not settings.makes_films:
            root, skip = self._root(Path(given))
        search = find(given, follow_links, skip, settings.takes_videos, left_out)
        for found in [Found(Path(given))] if settings.makes_films else search:
            output, problem, hint = root, found.problem, found.hint
            is_film = not problem and self._is_film(found.source)
            if not problem:
                try:
                    output = self._place(found, root, is_film)
                except WrongRequest as error:
                    if not (is_film and self.is_template) or settings.makes_films:
                        raise
                    problem, hint = str(error), error.hint  # the template may suit the pictures
            yield Task(found.source, output, settings, problem, hint, folder=found.folder, is_film=is_film)

    def _is_film(self, source: Path) -> bool:
        """Whether a film is made of an input. An animated picture stays a picture if the output is named like one."""
        if self.settings.makes_films or not self.settings.takes_videos:
            return self.settings.makes_films
        wanted = Path(self.output or "").suffix.lower()
        is_picture = not self.is_folder and wanted in WRITTEN and wanted not in FILMS
        return is_video(source) or (self.animated and not is_picture and is_animated(source))

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

    def _place(self, found: Found, root: Path, is_film: bool) -> Path:
        """Where the result of an input goes.

        Args:
            root: where the results of the input's folder go.

        Raises:
            WrongRequest: the output has the wrong ending.
        """
        source, suffix = found.source, ".png"
        if is_film:
            is_animation = not (self.settings.makes_films or is_video(source))
            suffix = ".mp4" if not is_animation else ".gif" if source.suffix.lower() == ".gif" else ".webp"
        inside = source.parent.relative_to(found.folder) if found.folder else Path()
        if self.is_template:
            if found.folder and self.several:
                inside = _mirrored(found.folder) / inside
            endings = tuple(dict.fromkeys((suffix, *FILMS))) if is_film else tuple(WRITTEN)
            return fill_in(str(self.output), self.settings, source.stem, source.suffix, inside, endings)
        if found.folder:
            return root / inside / fit_name(source.stem, suffix)
        if not self.output:
            return default_output(source.stem, self.settings, suffix)
        if self.is_folder:
            mirrored = root / _mirrored(source)
            return mirrored.with_name(fit_name(mirrored.stem, suffix))
        _check_ending(self.output, FILMS if is_film else tuple(WRITTEN), or_folder=not self.settings.makes_films)
        return root


def _check_ending(output: str, endings: Sequence[str], or_folder: bool = True) -> None:
    """Raise WrongRequest if an output is no file with one of these suffixes."""
    if output == PIPE and endings is FILMS:
        raise WrongRequest("a film can't go to stdout", Hint.OTHER_OUTPUT)
    if output != PIPE and Path(output).suffix.lower() not in endings:
        either = ", or be a folder" if or_folder else ""
        raise WrongRequest(f"{Path(output)} must end in {', '.join(endings)}{either}")


def frames_folder(film: Path) -> Path:
    """Where the frames of a film are until it is finished."""
    return film.with_name(f"{film.name}.frames")


def _is_folder(output: str | None, several: bool, settings: Settings | None = None) -> bool:
    """Whether ``output`` names a folder. Raise WrongRequest if it has to and doesn't, or has the wrong ending."""
    if is_template(output) or (settings and settings.makes_films):
        return False
    if output == PIPE and several:
        raise WrongRequest("stdout takes one picture only")
    if output is None or output == PIPE:
        return False
    if os.path.isdir(output) or output.endswith(("/", os.sep)):
        return True
    is_file = Path(output).suffix.lower() in (*WRITTEN, *(FILMS if settings and settings.takes_videos else ()))
    if several:
        if is_file or os.path.exists(output):
            raise WrongRequest(f"{output} is a file's name, but several pictures need a folder")
        return True
    if not is_file:
        _check_ending(output, tuple(WRITTEN))
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
    """Give tasks that share an output one each, if that is possible by their sources' names.

    - a.jpg and a.png, which would both become a.png, become a.jpg.png and a.png.png.
    - a.jpg and A.JPG become a.jpg.png and A.JPG-2.png, since some file systems don't tell their names apart.
    - In both cases, an output that was made from its source already keeps its name. It may have been alone at first.
    """
    tasks = [
        replace(task, output=_renamed(task.output, _source(task).suffix)) if gives_way else task
        for task, gives_way in _giving_way(tasks, real)
    ]

    def twin(task: Task) -> tuple[str, str]:
        return real.place(task.output), str(task.source).casefold()

    giving_way = _giving_way(tasks, real)
    counts = Counter(twin(task) for task, gives_way in giving_way if not gives_way)
    apart = []
    for task, gives_way in giving_way:
        counts[twin(task)] += gives_way
        number = counts[twin(task)]
        if gives_way and number > 1:
            name = fit_name(task.output.stem, f"-{number}{task.output.suffix}")
            task = replace(task, output=task.output.with_name(name))
        apart.append(task)
    return apart


def _giving_way(tasks: list[Task], real: RealPaths) -> list[tuple[Task, bool]]:
    """Each task, and whether it needs another name: it shares its output, which wasn't made from its source already."""
    counts = Counter(real.place(task.output) for task in tasks)
    return [
        (task, not task.problem and counts[real.place(task.output)] > 1 and not _has_result(task)) for task in tasks
    ]


def _has_result(task: Task) -> bool:
    """Whether a task's output is there, and its record names the task's source."""
    with suppress(DreamcliError):
        record = record_in(task.output) if task.output.exists() else None
        return record is not None and Path(record.source).name == _source(task).name
    return False


def _renamed(output: Path, addition: str = "") -> Path:
    """An output with an addition to its stem, no longer than a file's name may be."""
    return output.with_name(fit_name(output.stem + addition, output.suffix))


def _without_results(tasks: list[Task], real: RealPaths) -> list[Task]:
    """Leave out tasks whose input is an earlier result of another one."""
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
