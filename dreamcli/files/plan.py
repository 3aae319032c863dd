"""Inputs and an output into a plan: which picture is made from which, before any work starts."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dreamcli.errors import WrongRequest

from . import reading, writing


@dataclass(frozen=True)
class Task:
    """One picture to make.

    Attributes:
        source: the input as it was typed or found.
        output: where the result goes.
        problem: why it can't be made, if that is known already.
    """

    source: Path
    output: Path
    problem: str = ""


def make_plan(inputs: Iterable[str], output: str | None, command: str) -> list[Task]:
    """Decide where each input's result goes.

    Args:
        inputs: files, folders (walked recursively) and globs, in the order typed.
        output: a file for one input, otherwise a folder that mirrors the inputs' tree; by default
            ``./STEM-COMMAND.png``, and for a folder ``./FOLDER-COMMAND/``.
        command: such as "dream".

    Raises:
        WrongRequest: two inputs have one output, an output is an input, or the output is no picture's name.
    """
    inputs = list(inputs)
    folder = _as_folder(inputs, output)
    tasks: list[Task] = []
    for given in inputs:
        tasks += _expand(given, output, folder, command)
    _check(tasks)
    return tasks


def _as_folder(inputs: list[str], output: str | None) -> bool:
    """Whether ``output`` names a folder; if it names a file, check that one can be."""
    if output is None:
        return False
    path = Path(output)
    several = len(inputs) > 1 or Path(inputs[0]).is_dir() or _is_glob(inputs[0])
    if several:
        if path.exists() and not path.is_dir():
            raise WrongRequest(f"-o {output} is a file, but several inputs need a folder")
        return True
    if path.is_dir() or output.endswith(("/", os.sep)):
        return True
    if path.suffix.lower() not in writing.FORMATS:
        raise WrongRequest(f"-o {output} must end in {', '.join(writing.FORMATS)}, or be a folder")
    return False


def _is_glob(given: str) -> bool:
    return glob.has_magic(given) and not Path(given).exists()


def _expand(given: str, output: str | None, folder: bool, command: str) -> Iterator[Task]:
    path = Path(given)
    target = Path(output) if output else Path()
    if path.is_dir():
        root = target if output else Path(f"{path.resolve().name or 'pictures'}-{command}")
        if root.resolve() == path.resolve():
            raise WrongRequest(f"-o {output} is the input folder, and would be overwritten; choose another")
        found = [p for p in _walk(path) if root.resolve() not in p.resolve().parents]
        if not found:
            yield Task(path, root, "there is no picture in this folder")
        for source in found:
            yield Task(source, root / source.relative_to(path).with_suffix(".png"))
    elif _is_glob(given):
        base = _fixed_part(given)
        found = sorted(p for p in map(Path, glob.iglob(given, recursive=True)) if p.is_file())
        if not found:
            yield Task(path, target, "no file matches this pattern")
        for source in found:
            if folder:
                yield Task(source, target / source.relative_to(base).with_suffix(".png"))
            else:
                yield Task(source, Path(f"{source.stem}-{command}.png"))
    elif output and not folder:
        yield Task(path, target)
    elif folder:
        yield Task(path, target / path.with_suffix(".png").name)
    else:
        yield Task(path, Path(f"{path.stem}-{command}.png"))


def _walk(folder: Path) -> Iterator[Path]:
    """Every file under a folder that has a picture's suffix, in order; links to folders aren't followed."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if Path(name).suffix.lower() in reading.SUFFIXES:
                yield Path(parent, name)


def _fixed_part(pattern: str) -> Path:
    """The folder of a glob, down to its first wildcard."""
    parts = []
    for part in Path(pattern).parts[:-1]:
        if glob.has_magic(part):
            break
        parts.append(part)
    return Path(*parts)


def _check(tasks: list[Task]) -> None:
    """Refuse a plan that would lose a picture."""
    # compared without case, since some file systems don't tell "A.png" from "a.png"
    makers: dict[str, Path] = {}
    sources = {os.path.realpath(task.source) for task in tasks}
    for task in tasks:
        if task.problem:
            continue
        place = os.path.realpath(task.output)
        if place in sources:
            raise WrongRequest(f"{task.output} is an input and would be overwritten; choose another with -o")
        other = makers.setdefault(place.casefold(), task.source)
        if other is not task.source:
            raise WrongRequest(f"{other} and {task.source} would both be written to {task.output}; use -o FOLDER")
