"""``--dry-run``: say what would be made and what would be refused, and make nothing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dreamcli.errors import DreamcliError
from dreamcli.files.clip import read_clip
from dreamcli.files.identity import file_sha256
from dreamcli.files.plan import Task
from dreamcli.files.reading import read_size
from dreamcli.files.record import Provenance, Record
from dreamcli.files.resume import ExistingOutput, record_in, refuse_others
from dreamcli.settings.base import Settings
from dreamcli.studio.batch import OpenSession, Outcome, failure, recorded_name

from .report import Report, duration

if TYPE_CHECKING:
    from dreamcli.studio.filming import Film


def show_plan(tasks: Sequence[Task], opened: OpenSession, overwrite: bool, report: Report) -> None:
    """Report what would become of every output, as far as the headers of pictures and the records in them say.

    Args:
        opened: a session, whose networks may be blank: see `Workshop`.

    Raises:
        WrongRequest: the networks don't have the layers that are asked for.
    """
    session, references = opened
    jobs: dict[tuple[Settings, int | None], list[Provenance]] = {}
    for settings, style in dict.fromkeys((task.settings, task.style) for task in tasks):
        session.check(settings, references)
        jobs[settings, style] = session.jobs(settings, None, references.only_style(style))
    pixels = 0
    for task in tasks:
        try:
            if task.problem:
                raise DreamcliError(task.problem, task.hint)
            if task.source and not task.is_film:
                width, height = read_size(task.source)
                pixels += width * height
        except DreamcliError as error:
            report.add(failure(task.title, task.output, error))
            continue
        for output, job in zip(task.outputs, jobs[task.settings, task.style], strict=True):
            outcome = _forecast(task, output, job, overwrite)
            if task.is_film and outcome.status == "planned":
                outcome = _forecast_film(task, opened, overwrite, is_alone=len(tasks) == 1)
            report.add(outcome)
    report.close(f"{pixels / 1e6:.2f} megapixels to read" if pixels else "")


def _forecast_film(task: Task, opened: OpenSession, overwrite: bool, is_alone: bool) -> Outcome:
    """How large a film would be, and how long it would take if it is the only one."""
    assert task.source
    session, references = opened
    try:
        clip, references = read_clip(task.source), references.only_style(task.style)
        film = session.film(clip, task.settings, references, task.output, overwrite)
        return planned_film(film, task.title, with_time=is_alone)
    except Exception as error:
        return failure(task.title, task.output, error)


def planned_film(film: Film, title: str, with_time: bool = True) -> Outcome:
    """What to report about a film that would be made, and how long that would take."""
    if not with_time:
        return Outcome("planned", title, str(film.output), f"({film})", details={"frames": film.frames})
    each = film.seconds_a_frame()
    message = f"({film}; about {duration(each * film.frames)}, at {each:.2g} s per frame)"
    details: dict[str, object] = {"frames": film.frames, "seconds_a_frame": round(each, 3)}
    return Outcome("planned", title, str(film.output), message, details=details)


def _forecast(task: Task, output: Path, job: Provenance, overwrite: bool) -> Outcome:
    """What would become of an output. Blank networks aren't compared, and an input only where its name has changed."""
    planned = Outcome("planned", task.title, str(output))
    if not output.exists():
        return planned
    if overwrite:
        return replace(planned, message="(overwrites what is there)")
    record = None
    with suppress(DreamcliError):
        record = record_in(output)
    existing = ExistingOutput(record, is_whole=True)
    try:
        refuse_others(output, existing, _completed(job, record, task.source) if record else job)
    except DreamcliError as error:
        return failure(task.title, output, error)
    return replace(planned, status="skipped", message="(already made)") if existing.is_finished else planned


def _completed(job: Provenance, record: Record, source: Path | None) -> Provenance:
    """A job with what isn't known before its networks and its input are read: as in a record that may be of it.

    Raises:
        DreamcliError: the input has another name, and can't be read.
    """
    if not all(job.network["sha256"].split("+")):  # blank networks
        job = replace(job, network=record.provenance.network | {"name": job.network["name"]})
    if source is None:
        return job
    is_same = record.source == recorded_name(source)
    return replace(job, input=record.provenance.input if is_same else file_sha256(source))
