"""Make every picture of a plan: what all commands that take images have in common."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dreamcli.errors import DreamcliError, WrongRequest
from dreamcli.files.plan import Task
from dreamcli.files.reading import Picture, read_picture
from dreamcli.files.record import Job, Record, read_record
from dreamcli.files.writing import check_place, check_size, write_picture

from .options import Shared
from .report import Report, progress, unexpected

if TYPE_CHECKING:
    from dreamcli.studio import Studio


def run_tasks(command: str, settings: Any, tasks: list[Task], shared: Shared) -> int:
    """Make and write every picture of a plan; one bad input never stops the others.

    Returns:
        the exit code.

    Raises:
        WrongRequest: no output can be written where it should, or the network or a layer is unknown.
        DreamcliError: the network's weights can't be had.
    """
    tasks = _with_places(tasks)
    report = Report(command, shared.quiet, shared.as_json, shared.verbose)
    try:
        if shared.dry_run:
            _show_all(tasks, report)
        else:
            _make_all(command, settings, tasks, shared, report)
    finally:
        report.close()
    if report.count("interrupted"):
        return 130
    return 1 if report.count("failed") else 0


def _with_places(tasks: list[Task]) -> list[Task]:
    """Note for each task whether its output could be written; if none could, say so before any work."""
    checked = []
    for task in tasks:
        try:
            if not task.problem:
                check_place(task.output)
        except WrongRequest as error:
            if len(tasks) == 1:
                raise
            task = replace(task, problem=str(error))
        checked.append(task)
    return checked


def _show_all(tasks: list[Task], report: Report) -> None:
    """Say what would be made, as far as that is known without reading a picture."""
    for task in tasks:
        problem = task.problem or ("" if task.source.is_file() else "there is no such file")
        remark = "(there is a file already)" if task.output.exists() else ""
        report.add("failed" if problem else "planned", task.source, task.output, problem or remark)


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
        studio = studio or open_studio(command, settings, shared)
        try:
            status, message, details = _make_one(studio, task, picture, shared, alone=len(tasks) == 1)
        except DreamcliError as error:
            report.add("failed", task.source, task.output, str(error))
        except KeyboardInterrupt:
            report.add("interrupted", task.source, task.output, "(not kept)")
            return
        except Exception as error:  # the other pictures go on
            report.add("failed", task.source, task.output, unexpected(error))
        else:
            report.add(status, task.source, task.output, message, **details)
            if status == "interrupted":
                return


def open_studio(command: str, settings: Any, shared: Shared) -> Studio:
    """Import torch and load the network."""
    from dreamcli.engine.compute import keep_freed_memory
    from dreamcli.studio import Studio

    keep_freed_memory()
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
    earlier = existing(task.output, studio.job(picture), shared.overwrite)
    if earlier and earlier.stopped == "done" and not shared.overwrite:
        return "skipped", "(already made)", {}
    check_size(task.output, *studio.size(picture))
    with progress(task.source.name, hidden=shared.quiet or shared.as_json) as on_step:
        made, record = studio.make(picture, typed(task.source), on_step)
    if record.stopped == "interrupted" and (not alone or (earlier and earlier.stopped == "done")):
        return "interrupted", "(not kept)", {}
    write_picture(task.output, made, record)
    if record.stopped == "interrupted":
        return "interrupted", "(the best so far)", {}
    notes = list(picture.notes)
    if np.array_equal(made.pixels, picture.pixels):
        notes.append("unchanged")
    if record.stopped == "non-finite":
        notes.append("stopped early: the values were no longer finite")
    height, width = made.pixels.shape[:2]
    remark = f"({'; '.join(notes)})" if notes else ""
    return "done", remark, {"width": width, "height": height, "score": record.score}


def typed(source: Path) -> str:
    """How the record names an input: as it was typed, but an absolute path, which tells of its owner, by its name."""
    return source.name if source.is_absolute() else source.as_posix()


def existing(output: Path, job: Job, overwrite: bool) -> Record | None:
    """The record of what is at ``output`` already, if it is whole.

    Raises:
        DreamcliError: it was not made by this very job, and may not be overwritten.
    """
    if not output.exists():
        return None
    record = None
    try:
        record = read_record(output)
        read_picture(output)  # a file that was cut short may still hold its record
    except DreamcliError:
        if record and record.job == job:
            return None
    if not overwrite and (record is None or record.job != job):
        how = "made with other settings" if record else "not made by dreamcli"
        raise DreamcliError(f"{output} is there already, {how}; choose another with -o, or add --overwrite")
    return record
