"""Inputs and an output into a plan: which picture is made from which, before any work starts."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from dreamcli.errors import DreamcliError, WrongRequest

from . import reading, writing
from .record import read_record

MOST_BYTES_OF_A_NAME = 255  # on nearly every file system
_TWO_RUNS = "make them in two runs, each with its own -o"


@dataclass(frozen=True, slots=True)
class Task:
    """One picture to make.

    Attributes:
        source: the input as it was typed or found; None if the picture starts from noise.
        output: where the result goes.
        problem: why it can't be made, if that is known already.
        name: what it is called where there is no input.
        folder: that was typed, if the input was found in one.
    """

    source: Path | None
    output: Path
    problem: str = ""
    name: str = ""
    folder: Path | None = None

    @property
    def title(self) -> str:
        """What to call it in a report."""
        return self.name or str(self.source)

    @property
    def key(self) -> str:
        """What it is called on any machine, wherever its folder is there."""
        if self.name or not self.source:
            return self.name
        return (self.source.relative_to(self.folder) if self.folder else _mirrored(self.source)).as_posix()


def plan_named(names: Sequence[str], output: str | None, command: str, source: Path | None = None) -> list[Task]:
    """Decide where pictures go that are known by names rather than by inputs.

    Args:
        names: one for each picture.
        output: a file for one, otherwise a folder; by default ``./NAME-COMMAND.png``.
        command: such as "class".
        source: the picture that all start from, if any.

    Raises:
        WrongRequest: the output can't be that of so many, is no picture's name, or is the source.
    """
    folder = _as_folder(len(names) > 1, output)
    tasks = []
    for name in names:
        stem = "-".join("".join(c if c.isalnum() else " " for c in name).split())
        place = Path(output) if output and not folder else Path(output or ".") / fitting(stem, f"-{command}.png")
        tasks.append(Task(source, place, name=name))
    _check(tasks, _Folders(), _TWO_RUNS)
    return tasks


def find_pictures(inputs: Iterable[str], follow_links: bool = False) -> list[Task]:
    """Find every picture that files, folders and globs name, in order and each once, for work without outputs.

    Args:
        inputs, follow_links: as `make_plan`.

    Raises:
        WrongRequest: an input has an empty name.
    """
    return _once(
        (task for given in _named(inputs) for task in _expand(given, None, False, "", follow_links)), _Folders()
    )


def make_plan(inputs: Iterable[str], output: str | None, command: str, follow_links: bool = False) -> list[Task]:
    """Decide where each input's result goes.

    Inputs that are results of the same plan, made earlier, are left out; so is one that comes up twice.

    Args:
        inputs: files, folders (walked recursively) and globs, in the order typed.
        output: a file for one input, otherwise a folder that mirrors the inputs' tree, where folders keep their
            names unless there is one input; by default ``./STEM-COMMAND.png``, and for a folder ``./FOLDER-COMMAND/``.
        command: such as "dream".
        follow_links: take symbolic links in folders for what they lead to; those that are inputs always are.

    Raises:
        WrongRequest: two inputs have one output, an output is an input, or the output is no picture's name.
    """
    inputs = _named(inputs)
    several = len(inputs) > 1
    folder = _as_folder(several or os.path.isdir(inputs[0]) or _is_glob(inputs[0]), output)
    real = _Folders()
    found = (task for given in inputs for task in _expand(given, output, folder, command, follow_links, several))
    tasks = without_results(_told_apart(_once(found, real), real), lambda task: [task.output], real)
    _check(tasks, real, _TWO_RUNS if output else f"name a folder with -o, or {_TWO_RUNS}")
    return tasks


def _named(inputs: Iterable[str]) -> list[str]:
    inputs = list(inputs)
    if not all(inputs):
        raise WrongRequest("an input has an empty name")
    return inputs


def _as_folder(several: bool, output: str | None) -> bool:
    """Whether ``output`` names a folder; if it names a file, check that one can be."""
    if output is None:
        return False
    if os.path.isdir(output) or output.endswith(("/", os.sep)):
        return True
    is_picture = Path(output).suffix.lower() in writing.FORMATS
    if several:
        if is_picture or os.path.exists(output):
            raise WrongRequest(f"-o {output} is a file's name, but several pictures need a folder")
        return True
    if not is_picture:
        raise WrongRequest(f"-o {output} must end in {', '.join(writing.FORMATS)}, or be a folder")
    return False


def _is_glob(given: str) -> bool:
    return glob.has_magic(given) and not os.path.lexists(given)


def _expand(
    given: str, output: str | None, folder: bool, command: str, follow_links: bool, several: bool = False
) -> Iterator[Task]:
    path = Path(given)
    if os.path.isdir(given):
        home = Path(output) if output else Path(f"{path.resolve().name or 'pictures'}-{command}")
        yield from _in_folder(path, home / _mirrored(path) if output and several else home, home, follow_links)
        return
    found = [path]
    if _is_glob(given):
        found = sorted({Path(p) for p in _matches(given, follow_links) if os.path.isfile(p)})
        if not found:
            yield Task(path, Path(output or "."), "no file matches this pattern")
    for source in found:
        if output and not folder:
            yield Task(source, Path(output))
        elif output:
            place = Path(output) / _mirrored(source)
            yield Task(source, place.with_name(fitting(place.stem, ".png")))
        else:
            yield Task(source, Path(fitting(source.stem, f"-{command}.png")))


def _matches(pattern: str, follow_links: bool) -> Iterator[str]:
    """As `glob.iglob`, whose ``**`` follows links to folders, and around two circles for ever."""
    parts = Path(pattern).parts
    if "**" not in parts:
        yield from glob.iglob(pattern)
        return
    at = parts.index("**")
    for base in glob.iglob(os.path.join(*parts[:at])) if at else [""]:
        for folder, folders, _ in _folders_under(base or os.curdir, follow_links):
            folders[:] = [name for name in folders if not name.startswith(".")]
            yield from _matches(os.path.join(glob.escape(folder), *parts[at + 1 :] or "*"), follow_links)


def fitting(stem: str, ending: str) -> str:
    """A file's name; a stem that is too long gives its beginning, and a mark to tell it from others that begin so."""
    name = os.fsencode(stem)
    if len(name) + len(ending) <= MOST_BYTES_OF_A_NAME:
        return stem + ending
    ending = f"-{sha256(name).hexdigest()[:8]}{ending}"
    return name[: MOST_BYTES_OF_A_NAME - len(ending)].decode(errors="ignore") + ending


def _mirrored(source: Path) -> Path:
    """Where a file or folder goes inside the output folder: as it was typed, or by its name if that leads elsewhere."""
    if source.name == "..":
        source = source.resolve()
    return Path(source.name) if source.is_absolute() or ".." in source.parts else source


def _in_folder(folder: Path, root: Path, home: Path, follow_links: bool) -> Iterator[Task]:
    """Every picture in a folder, in order, mirrored under ``root``; what is under ``home`` already is left out.

    ``home`` is where everything goes, and ``root``, in it or the same, what is of this folder.
    """
    if os.path.realpath(folder) in map(os.path.realpath, (home, root)):
        raise WrongRequest(f"{folder} is an input folder, and would be overwritten; choose another -o")
    unreadable: list[OSError] = []
    empty = True
    for parent, names in _walk(folder, os.path.realpath(home), unreadable, follow_links):
        mirrored = root / parent.relative_to(folder)
        for name in names:
            empty = False
            yield Task(parent / name, mirrored / fitting(os.path.splitext(name)[0], ".png"), folder=folder)
    for error in unreadable:
        yield Task(Path(error.filename), root, f"can't look into this folder ({error.strerror})")
    if empty and not unreadable:
        linked = not follow_links and any(path.is_symlink() for path in folder.rglob("*"))
        hint = ", only links; follow them with --follow-links" if linked else ""
        yield Task(folder, root, f"there is no picture in this folder{hint}")


def _walk(folder: Path, home: str, unreadable: list[OSError], follow_links: bool) -> Iterator[tuple[Path, list[str]]]:
    """Every folder under a folder, with the names in it that have a picture's suffix, in order.

    ``home`` is not entered. Folders that can't be looked into are noted in ``unreadable``.
    """
    for parent, folders, names in _folders_under(folder, follow_links, unreadable.append):
        folders[:] = [name for name in folders if os.path.realpath(os.path.join(parent, name)) != home]
        pictures = sorted(name for name in names if os.path.splitext(name)[1].lower() in reading.SUFFIXES)
        yield Path(parent), [n for n in pictures if follow_links or not os.path.islink(os.path.join(parent, n))]


def _folders_under(
    top: str | Path, follow_links: bool, onerror: Callable[[OSError], None] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """As `os.walk`, in order, and each folder once: links may lead in circles."""
    seen = set()
    for parent, folders, names in os.walk(top, onerror=onerror, followlinks=follow_links):
        if (this := identity(Path(parent))) in seen:
            folders.clear()
            continue
        seen.add(this)
        folders.sort()
        yield str(parent), folders, names


class _Folders:
    """Where paths really lead. Each folder is asked once, since a plan may have a hundred thousand files."""

    def __init__(self) -> None:
        self._real: dict[str, str] = {}

    def path(self, path: Path) -> str:
        """The path without links in it, but for a link that it may be itself."""
        parent, name = os.path.split(path)
        if parent not in self._real:
            self._real[parent] = os.path.realpath(parent)
        return os.path.join(self._real[parent], name)

    def file(self, path: Path) -> str:
        """The file that a path leads to."""
        return os.path.realpath(path) if os.path.islink(path) else self.path(path)

    def place(self, output: Path) -> str:
        """What two outputs have in common that would be one file."""
        # without case, since some file systems don't tell "A.png" from "a.png"
        return self.path(output).casefold()


def _once(tasks: Iterable[Task], real: _Folders) -> list[Task]:
    """Leave out what comes up again, under whatever name."""
    first: dict[str, Task] = {}
    for task in tasks:
        first.setdefault(real.file(_source(task)), task)
    return list(first.values())


def _told_apart(tasks: list[Task], real: _Folders) -> list[Task]:
    """Give a.jpg and a.png side by side the outputs a.jpg.png and a.png.png."""
    places = [real.place(task.output) for task in tasks]
    outputs = Counter(places)
    return [
        replace(task, output=_with_source_suffix(task)) if outputs[place] > 1 and not task.problem else task
        for task, place in zip(tasks, places, strict=True)
    ]


def _with_source_suffix(task: Task) -> Path:
    return task.output.with_name(fitting(task.output.stem + _source(task).suffix, task.output.suffix))


def without_results(
    tasks: Iterable[Task], outputs: Callable[[Task], Iterable[Path]], real: _Folders | None = None
) -> list[Task]:
    """Leave out inputs that are results of this plan, made earlier, as in a second ``dreamcli dream *.png``.

    Args:
        tasks: the plan.
        outputs: gives the files that a task makes.
        real: what is known already of where paths lead.
    """
    tasks, real = list(tasks), real or _Folders()
    makers = {real.place(output): task for task in tasks if not task.problem for output in outputs(task)}

    def is_anothers(task: Task) -> bool:
        if task.name:
            return False  # it is asked for by its name, whatever it starts from
        maker = makers.get(real.place(_source(task)), task)
        return maker is not task and _is_result(_source(task))

    return [task for task in tasks if not is_anothers(task)]


def _is_result(path: Path) -> bool:
    try:
        return read_record(path) is not None
    except DreamcliError:
        return False


def _check(tasks: list[Task], real: _Folders, hint: str) -> None:
    """Refuse a plan that would lose a picture; ``hint`` says what to do about two with one output."""
    refuse_overwriting(
        (task.output for task in tasks if not task.problem),
        (("an input", task.source) for task in tasks if task.source),
    )
    makers: dict[str, Task] = {}
    for task in tasks:
        if task.problem:
            continue
        other = makers.setdefault(real.place(task.output), task)
        if other is not task:
            raise WrongRequest(f"{other.title} and {task.title} would both be written to {task.output}; {hint}")


def refuse_overwriting(outputs: Iterable[Path], precious: Iterable[tuple[str, Path]]) -> None:
    """Refuse outputs that are files which others are made from, under whatever name.

    Args:
        outputs: where pictures would be written.
        precious: what each such file is, such as "an input", and its path.

    Raises:
        WrongRequest: naming the first.
    """
    there = {known: output for output in outputs if (known := identity(output))}
    if not there:
        return  # so the many files of a first run are not asked for
    for role, path in precious:
        if (known := identity(path)) and (output := there.get(known)):
            raise WrongRequest(f"{output} is {role} and would be overwritten; choose another with -o")


def _source(task: Task) -> Path:
    assert task.source, "a task that was planned from inputs has one"
    return task.source


def identity(path: Path) -> tuple[int, int] | None:
    """What makes a file the same under any name; None if there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
