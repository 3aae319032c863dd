"""Make every picture of a plan: what all commands that take images have in common."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dreamcli.errors import DreamcliError, WrongRequest
from dreamcli.files.plan import Task
from dreamcli.files.reading import Picture, read_picture
from dreamcli.files.record import Job, read_record
from dreamcli.files.writing import write_picture

from .options import Shared
from .report import Report, progress

if TYPE_CHECKING:
    from dreamcli.studio import Studio


def run_tasks(command: str, settings: Any, tasks: list[Task], shared: Shared) -> int:
    """Make and write every picture of a plan; one bad input never stops the others.

    Returns:
        the exit code.

    Raises:
        WrongRequest: an output's place, the network or a layer is wrong: nothing was made.
        DreamcliError: the network's weights can't be had.
    """
    report = Report(command, shared.quiet, shared.as_json, shared.verbose)
    if shared.dry_run:
        for task in tasks:
            report.add("failed" if task.problem else "planned", task.source, task.output, task.problem)
    else:
        for task in tasks:
            _check_place(task.output)
        _make_all(command, settings, tasks, shared, report)
    report.close()
    if report.count("interrupted"):
        return 130
    return 1 if report.count("failed") else 0


def _check_place(output: Path) -> None:
    """Refuse, before any work, an output that could not be written in the end."""
    folder = output.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise WrongRequest(f"{output} can't be written: {folder} is not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise WrongRequest(f"{output} can't be written: no permission to write to the folder {folder}")
    if output.is_dir():
        raise WrongRequest(f"{output} can't be written: there is a folder of that name")


def _make_all(command: str, settings: Any, tasks: list[Task], shared: Shared, report: Report) -> None:
    studio = None
    for task in tasks:
        try:
            if task.problem:
                raise DreamcliError(task.problem)
            picture = read_picture(task.source)
        except DreamcliError as error:
            report.add("failed", task.source, task.output, str(error))
            continue
        # not before there is a picture: this imports torch
        studio = studio or _open_studio(command, settings, shared)
        try:
            status, message, details = _make_one(studio, task, picture, shared, alone=len(tasks) == 1)
        except DreamcliError as error:
            status, message, details = "failed", str(error), {}
        report.add(status, task.source, task.output, message, **details)
        if status == "interrupted":
            return


def _open_studio(command: str, settings: Any, shared: Shared) -> Studio:
    from dreamcli.studio import Studio

    return Studio.open(
        command,
        settings,
        model=shared.model,
        weights=shared.weights,
        device=shared.device,
        precision=shared.precision,
    )


def _make_one(
    studio: Studio, task: Task, picture: Picture, shared: Shared, *, alone: bool
) -> tuple[str, str, dict[str, Any]]:
    """Make and write one picture; give what became of it, a remark, and details for the JSON."""
    if _is_done(task.output, studio.job(picture), shared.overwrite):
        return "skipped", "(already made)", {}
    with progress(task.source.name, hidden=shared.quiet or shared.as_json) as on_step:
        made, record = studio.make(picture, _typed(task.source), on_step)
    if record.stopped == "interrupted" and not alone:
        return "interrupted", "(not kept)", {}
    write_picture(task.output, made, record)
    if record.stopped == "interrupted":
        return "interrupted", "(the best so far)", {}
    notes = list(picture.notes)
    if np.array_equal(made.pixels, picture.pixels):
        notes.append("unchanged: nothing in it excites this layer")
    if record.stopped == "non-finite":
        notes.append("stopped early: the values were no longer finite")
    height, width = made.pixels.shape[:2]
    remark = f"({'; '.join(notes)})" if notes else ""
    return "done", remark, {"width": width, "height": height, "score": record.score}


def _typed(source: Path) -> str:
    """How the record names an input: a relative path as it was typed, but no absolute one, which tells of its owner."""
    return source.name if source.is_absolute() else source.as_posix()


def _is_done(output: Path, job: Job, overwrite: bool) -> bool:
    """Whether ``output`` was made by this very job already.

    Raises:
        DreamcliError: there is something else there, and it may not be overwritten.
    """
    if overwrite or not output.exists():
        return False
    try:
        record = read_record(output)
    except DreamcliError:
        record = None
    if record is None or record.job != job:
        how = "made with other settings" if record else "not made by dreamcli"
        raise DreamcliError(f"{output} is there already, {how}; choose another with -o, or add --overwrite")
    return record.stopped == "done"
