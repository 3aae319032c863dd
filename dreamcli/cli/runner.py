"""Make every picture of a plan: what all commands that take images have in common."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from dreamcli.errors import DreamcliError, WrongRequest
from dreamcli.files.plan import Task, identity, make_plan, plan_named
from dreamcli.files.reading import Picture, read_picture
from dreamcli.files.record import Job, Record, read_record
from dreamcli.files.writing import check_place, check_size, write_picture

from .film import Film, check_film
from .options import Shared
from .report import Report, progress, unexpected

if TYPE_CHECKING:
    from dreamcli.studio import Source, Studio

Commission = tuple[Task, Any]  # what to make, and the art form's settings for it


def plan_on_pictures(command: str, images: tuple[str, ...], shared: Shared, *names: str) -> list[Task]:
    """Plan pictures from the images that are named, from --start, or from noise.

    Args:
        command: the art form's name.
        images: as typed.
        shared: for --start and --output.
        names: of the pictures that start from noise.

    Raises:
        click.UsageError: images and --start are both given.
        WrongRequest: as `make_plan` and `plan_named`.
    """
    if images and shared.start:
        raise click.UsageError("an IMAGE is what is started from, so leave out --start")
    if shared.start and shared.start != "noise":
        images = (shared.start,)
    return make_plan(images, shared.output, command) if images else plan_named(names, shared.output, command)


def run_tasks(command: str, commissions: list[Commission], shared: Shared, studio: Studio | None = None) -> int:
    """Make and write every picture of a plan; one bad input never stops the others.

    Args:
        command: the art form's name.
        commissions: what to make, and the art form's settings for it.
        shared: with what, where to, and how loudly.
        studio: if it had to be opened already.

    Returns:
        the exit code.

    Raises:
        WrongRequest: no output can be written where it should, or the network or a layer is unknown.
        DreamcliError: the network's weights, or the guide or the mask, can't be had.
    """
    _spare_others(commissions, shared)
    if shared.animate:
        pictures = [path for task, _ in commissions for path in (task.source, task.output) if path]
        check_film(shared.animate, [settings for _, settings in commissions], [*pictures, *shared.others.values()])
    commissions = _with_places(commissions)
    report = Report(command, shared.quiet, shared.as_json, shared.verbose, show=shared.show)
    try:
        if shared.dry_run:
            _show_all(commissions, report)
        else:
            _make_all(command, commissions, shared, studio, report)
    finally:
        report.close()
    if report.count("interrupted"):
        return 130
    return 1 if report.count("failed") else 0


def _with_places(commissions: list[Commission]) -> list[Commission]:
    """Note for each task whether its output could be written; if none could, say so before any work."""
    checked = []
    for task, settings in commissions:
        try:
            if not task.problem:
                check_place(task.output)
        except WrongRequest as error:
            if len(commissions) == 1:
                raise
            task = replace(task, problem=str(error))
        checked.append((task, settings))
    return checked


def _spare_others(commissions: list[Commission], shared: Shared) -> None:
    """Refuse a plan that would overwrite a picture that others are made from, or by its number an input."""
    precious = {identity(task.source): "input" for task, _ in commissions if task.source}
    precious |= {identity(path): role for role, path in shared.others.items()}
    precious.pop(None, None)  # of files that are not there
    for task, settings in commissions:
        for output in outputs_of(task, settings):
            if role := precious.get(identity(output)):
                raise WrongRequest(f"{output} is the {role} and would be overwritten; choose another with -o")


def outputs_of(task: Task, settings: Any) -> list[Path]:
    """The files that a task gives: one, or, for a count of several, numbered ones."""
    count = getattr(settings, "count", 1)
    if count == 1 or getattr(settings, "sheet", False):
        return [task.output]
    return [task.output.with_name(f"{task.output.stem}-{i + 1}{task.output.suffix}") for i in range(count)]


def _show_all(commissions: list[Commission], report: Report) -> None:
    """Say what would be made, as far as that is known without reading a picture."""
    for task, settings in commissions:
        problem = task.problem or ("" if task.source is None or task.source.is_file() else "there is no such file")
        for output in outputs_of(task, settings):
            remark = "(there is a file already)" if output.exists() else ""
            report.add("failed" if problem else "planned", task.title, output, problem or remark)


def _make_all(
    command: str, commissions: list[Commission], shared: Shared, studio: Studio | None, report: Report
) -> None:
    for task, settings in commissions:
        try:
            if task.problem:
                raise DreamcliError(task.problem)
            picture = read_picture(task.source) if task.source else None
        except DreamcliError as error:
            report.add("failed", task.source or task.title, task.output, str(error))
            continue
        # not before there is a picture: this imports torch
        studio = studio.with_settings(settings) if studio else open_studio(command, settings, shared)
        try:
            alone = len(commissions) == 1
            _make_one(studio, task, picture, shared, report, alone=alone)
        except DreamcliError as error:
            report.add("failed", task.title, task.output, str(error))
        except KeyboardInterrupt:
            report.add("interrupted", task.title, task.output, "(not kept)")
        except Exception as error:  # the other pictures go on
            report.add("failed", task.title, task.output, unexpected(error))
        if report.count("interrupted"):
            return


def open_studio(command: str, settings: Any, shared: Shared) -> Studio:
    """Import torch, load the network, and read the pictures that all are made from."""
    from dreamcli.engine.compute import keep_freed_memory
    from dreamcli.studio import Studio

    sources = {role: read_source(path) for role, path in shared.others.items()}
    keep_freed_memory()
    return Studio.open(
        command,
        settings,
        model=shared.model,
        weights=shared.weights,
        device=shared.device,
        precision=shared.precision,
        others=sources,
        judge=shared.judge,
    )


def read_source(path: Path) -> Source:
    """Read a picture that others are made from.

    Raises:
        DreamcliError: it can't be read.
    """
    from dreamcli.studio import Source

    try:
        return Source(read_picture(path), typed(path))
    except DreamcliError as error:
        raise DreamcliError(f"{path}: {error}") from error


def _make_one(
    studio: Studio, task: Task, picture: Picture | None, shared: Shared, report: Report, *, alone: bool
) -> None:
    """Make and write the pictures of one task, and report what became of each."""
    from dreamcli.studio import Source

    outputs = outputs_of(task, studio.settings)
    jobs = studio.jobs(picture)
    earlier = [existing(output, job, shared.overwrite) for output, job in zip(outputs, jobs, strict=True)]
    finished = [record is not None and record.stopped == "done" for record in earlier]
    film = Film(shared.animate) if shared.animate else None
    filmed = existing(film.path, jobs[0], shared.overwrite, "--animate") if film else None
    if all(finished) and (not film or (filmed and filmed.stopped == "done")) and not shared.overwrite:
        for output in outputs:
            report.add("skipped", task.title, output, "(already made)")
        return
    check_size(task.output, *studio.size(picture))
    with progress(task.title, hidden=shared.quiet or shared.as_json) as on_step:
        watch = film.watching(picture, on_step) if film else on_step
        made = studio.make(Source(picture, typed(task.source)) if picture and task.source else None, watch)
    for output, was_finished, (result, record) in zip(outputs, finished, made, strict=True):
        interrupted = record.stopped == "interrupted"
        if interrupted and (not alone or was_finished):
            report.add("interrupted", task.title, output, "(not kept)")
            continue
        write_picture(output, result, record)
        if film:
            film.write(result, record)
        remarks, details = _remarks(picture, result, record, film)
        status = "interrupted" if interrupted else "done"
        report.add(status, task.title, output, "(the best so far)" if interrupted else remarks, **details)


def _remarks(picture: Picture | None, made: Picture, record: Record, film: Film | None) -> tuple[str, dict[str, Any]]:
    """What to say about a picture that was made, to people and in the JSON."""
    notes = [*(picture.notes if picture else ()), *record.notes]
    if picture and np.array_equal(made.pixels, picture.pixels):
        notes.append("unchanged")
    if record.stopped == "non-finite":
        notes.append("stopped early: the values were no longer finite")
    height, width = made.pixels.shape[:2]
    details: dict[str, Any] = {"width": width, "height": height, "score": record.score}
    if film:
        notes.append(f"its ascent: {film.path}")
        details["animation"] = str(film.path)
    return f"({'; '.join(notes)})" if notes else "", details


def typed(source: Path) -> str:
    """How the record names an input: as it was typed, but an absolute path, which tells of its owner, by its name."""
    return source.name if source.is_absolute() else source.as_posix()


def existing(output: Path, job: Job, overwrite: bool, option: str = "-o") -> Record | None:
    """The record of what is at ``output`` already, if it is whole; ``option`` is what chose it.

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
        raise DreamcliError(f"{output} is there already, {how}; choose another with {option}, or add --overwrite")
    return record
