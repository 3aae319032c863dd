"""``--dry-run``: report what would be made or refused, without making it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from dreamcli.errors import DreamcliError, WrongRequest
from dreamcli.files.clip import read_clip
from dreamcli.files.identity import file_sha256
from dreamcli.files.plan import Task
from dreamcli.files.reading import Picture, read_size
from dreamcli.files.record import Provenance, Record
from dreamcli.files.resume import ExistingOutput, is_made, record_in
from dreamcli.settings.base import Settings
from dreamcli.studio.batch import Outcome, failure, start_of
from dreamcli.studio.pictures import recorded_name
from dreamcli.studio.request import OpenSession

from .report import Report, duration


def show_plan(
    tasks: Sequence[Task], opened: OpenSession, overwrite: bool, report: Report, read: Callable[[Path], Picture]
) -> None:
    """Report the outcome of every task as far as the headers and records of pictures tell.

    Args:
        opened: a session, whose networks may be blank: see `dreamcli.Session`.

    Raises:
        WrongRequest: the networks don't have the layers that are asked for.
    """
    session, references = opened
    provenances: dict[tuple[Settings, int | None], list[Provenance]] = {}
    for settings, style in dict.fromkeys((task.settings, task.style) for task in tasks):
        session.check(settings, references)
        provenances[settings, style] = session.provenances(settings, None, references.only_style(style))
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
        for output, provenance in zip(task.outputs, provenances[task.settings, task.style], strict=True):
            outcome = _forecast(task, output, provenance, overwrite)
            if task.is_film and outcome.status == "planned":
                outcome = _forecast_film(task, opened, overwrite, read, is_alone=len(tasks) == 1)
            report.add(outcome)
    report.close(f"{pixels / 1e6:.2f} megapixels to read" if pixels else "")


def _forecast_film(
    task: Task, opened: OpenSession, overwrite: bool, read: Callable[[Path], Picture], is_alone: bool
) -> Outcome:
    """The size of a film, and, if it is the only one, how long it would take."""
    assert task.source
    session, references = opened
    try:
        source = read_clip(task.source) if task.settings.takes_videos else read(task.source)
        start = start_of(source, task.source)
        assert start
        film = session.film(task.settings, source, start, references.only_style(task.style), task.output, overwrite)
        details: dict[str, object] = {"frames": film.frames}
        message = f"({film})"
        if is_alone:
            each = film.seconds_a_frame()
            details["seconds_a_frame"] = round(each, 3)
            message = f"({film}; about {duration(each * film.frames)}, at {each:.2g} s per frame)"
    except Exception as error:
        if task.settings.makes_films and isinstance(error, WrongRequest):
            raise  # there is one film only
        return failure(task.title, task.output, error)
    return Outcome("planned", task.title, str(task.output), message, details=details)


def _forecast(task: Task, output: Path, provenance: Provenance, overwrite: bool) -> Outcome:
    """The likely outcome of an output. Blank networks aren't compared, and inputs only if their names differ."""
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
        made = is_made(output, existing, _completed(provenance, record, task.source) if record else provenance)
    except DreamcliError as error:
        return failure(task.title, output, error)
    return replace(planned, status="skipped", message="(already made)") if made else planned


def _completed(provenance: Provenance, record: Record, source: Path | None) -> Provenance:
    """Fill in what isn't known yet, the digests of blank networks and of the input, from an existing record.

    Raises:
        DreamcliError: the input has another name, and can't be read.
    """
    if not all(provenance.network["sha256"].split("+")):  # blank networks
        provenance = replace(provenance, network=record.provenance.network | {"name": provenance.network["name"]})
    if source is None:
        return provenance
    is_same = record.source == recorded_name(source)
    return replace(provenance, input=record.provenance.input if is_same else file_sha256(source))
