"""Inputs and an output into a plan: which picture is made from which, before any work starts."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from dreamcli.errors import DreamcliError, WrongRequest

from . import reading, writing
from .record import read_record


@dataclass(frozen=True)
class Task:
    """One picture to make.

    Attributes:
        source: the input as it was typed or found; None if the picture starts from noise.
        output: where the result goes.
        problem: why it can't be made, if that is known already.
        name: what it is called where there is no input.
    """

    source: Path | None
    output: Path
    problem: str = ""
    name: str = ""

    @property
    def title(self) -> str:
        """What to call it in a report."""
        return self.name or str(self.source)


MOST_BYTES_OF_A_NAME = 255  # on nearly every file system


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
    _check(tasks)
    return tasks


def find_pictures(inputs: Iterable[str], follow_links: bool = False) -> list[Task]:
    """Find every picture that files, folders and globs name, in order and each once, for work without outputs.

    Args:
        inputs, follow_links: as `make_plan`.

    Raises:
        WrongRequest: an input has an empty name.
    """
    inputs = list(inputs)
    if not all(inputs):
        raise WrongRequest("an input has an empty name")
    tasks = [task for given in inputs for task in _expand(given, None, False, "", follow_links)]
    return _once(tasks)


def make_plan(inputs: Iterable[str], output: str | None, command: str, follow_links: bool = False) -> list[Task]:
    """Decide where each input's result goes.

    Inputs that are results of the same plan, made earlier, are left out; so is one that comes up twice.

    Args:
        inputs: files, folders (walked recursively) and globs, in the order typed.
        output: a file for one input, otherwise a folder that mirrors the inputs' tree; by default
            ``./STEM-COMMAND.png``, and for a folder ``./FOLDER-COMMAND/``.
        command: such as "dream".
        follow_links: take symbolic links in folders for what they lead to; those that are inputs always are.

    Raises:
        WrongRequest: two inputs have one output, an output is an input, or the output is no picture's name.
    """
    inputs = list(inputs)
    if not all(inputs):
        raise WrongRequest("an input has an empty name")
    folder = _as_folder(len(inputs) > 1 or os.path.isdir(inputs[0]) or _is_glob(inputs[0]), output)
    tasks = [task for given in inputs for task in _expand(given, output, folder, command, follow_links)]
    tasks = _once(tasks)
    tasks = _without_results(_told_apart(tasks))
    _check(tasks)
    return tasks


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


def _expand(given: str, output: str | None, folder: bool, command: str, follow_links: bool) -> Iterator[Task]:
    path = Path(given)
    if os.path.isdir(given):
        root = Path(output) if output else Path(f"{path.resolve().name or 'pictures'}-{command}")
        yield from _in_folder(path, root, follow_links)
        return
    found = [path]
    if _is_glob(given):
        found = sorted(Path(p) for p in glob.iglob(given, recursive=True) if os.path.isfile(p))
        if not found:
            yield Task(path, Path(output or "."), "no file matches this pattern")
    for source in found:
        if output and not folder:
            yield Task(source, Path(output))
        elif output:
            yield Task(source, _as_png(Path(output) / _mirrored(source)))
        else:
            yield Task(source, Path(fitting(source.stem, f"-{command}.png")))


def fitting(stem: str, ending: str) -> str:
    """A file's name; a stem that is too long gives its beginning, and a mark to tell it from others that begin so."""
    name = os.fsencode(stem)
    if len(name) + len(ending) <= MOST_BYTES_OF_A_NAME:
        return stem + ending
    ending = f"-{sha256(name).hexdigest()[:8]}{ending}"
    return name[: MOST_BYTES_OF_A_NAME - len(ending)].decode(errors="ignore") + ending


def _as_png(path: Path) -> Path:
    return path.with_name(fitting(path.stem, ".png"))


def _mirrored(source: Path) -> Path:
    """Where a file goes inside the output folder: as it was typed, or by its name if that leads elsewhere."""
    return Path(source.name) if source.is_absolute() or ".." in source.parts else source


def _in_folder(folder: Path, root: Path, follow_links: bool) -> Iterator[Task]:
    """Every picture in a folder, in order, mirrored under ``root``; what is under ``root`` already is left out."""
    if root.resolve() == folder.resolve():
        raise WrongRequest(f"-o {root} is the input folder, and would be overwritten; choose another")
    unreadable: list[OSError] = []
    empty = True
    for source in _walk(folder, unreadable, follow_links):
        if root.resolve() not in source.resolve().parents:
            empty = False
            yield Task(source, _as_png(root / source.relative_to(folder)))
    for error in unreadable:
        yield Task(Path(error.filename), root, f"can't look into this folder ({error.strerror})")
    if empty and not unreadable:
        linked = not follow_links and any(path.is_symlink() for path in folder.rglob("*"))
        hint = ", only links; follow them with --follow-links" if linked else ""
        yield Task(folder, root, f"there is no picture in this folder{hint}")


def _walk(folder: Path, unreadable: list[OSError], follow_links: bool) -> Iterator[Path]:
    """Every file under a folder that has a picture's suffix, in order.

    Folders that can't be looked into are noted in ``unreadable``.
    """
    seen = set()  # since links may lead in circles
    for parent, folders, names in os.walk(folder, onerror=unreadable.append, followlinks=follow_links):
        if (this := identity(Path(parent))) in seen:
            folders.clear()
            continue
        seen.add(this)
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if path.suffix.lower() in reading.SUFFIXES and (follow_links or not path.is_symlink()):
                yield path


def _once(tasks: list[Task]) -> list[Task]:
    """Leave out what comes up again, under whatever name."""
    first: dict[str, Task] = {}
    for task in tasks:
        first.setdefault(os.path.realpath(_source(task)), task)
    return list(first.values())


def _told_apart(tasks: list[Task]) -> list[Task]:
    """Give a.jpg and a.png side by side the outputs a.jpg.png and a.png.png."""
    outputs = Counter(_place(task.output) for task in tasks)
    return [
        replace(task, output=_with_source_suffix(task))
        if outputs[_place(task.output)] > 1 and not task.problem
        else task
        for task in tasks
    ]


def _with_source_suffix(task: Task) -> Path:
    return task.output.with_name(fitting(task.output.stem + _source(task).suffix, task.output.suffix))


def _place(output: Path) -> str:
    # without case, since some file systems don't tell "A.png" from "a.png"
    return os.path.realpath(output).casefold()


def _without_results(tasks: list[Task]) -> list[Task]:
    """Leave out inputs that are results of this plan, as in a second ``dreamcli dream *.png``."""
    outputs = {_place(task.output) for task in tasks if not task.problem}
    return [task for task in tasks if _place(_source(task)) not in outputs or not _is_result(_source(task))]


def _is_result(path: Path) -> bool:
    try:
        return read_record(path) is not None
    except DreamcliError:
        return False


def _check(tasks: list[Task]) -> None:
    """Refuse a plan that would lose a picture."""
    sources = {known for task in tasks if task.source and (known := identity(task.source))}
    makers: dict[str, Task] = {}
    for task in tasks:
        if task.problem:
            continue
        if identity(task.output) in sources:
            raise WrongRequest(f"{task.output} is an input and would be overwritten; choose another with -o")
        other = makers.setdefault(_place(task.output), task)
        if other is not task:
            raise WrongRequest(
                f"{other.title} and {task.title} would both be written to {task.output}; choose another -o"
            )


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
