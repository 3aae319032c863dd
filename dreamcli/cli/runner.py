"""Make every picture of a plan: what all commands that take images have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dreamcli.batch import Begin, Bench, Commission, Outcome, outputs_of, typed, work
from dreamcli.errors import DreamcliError, WrongRequest
from dreamcli.files.decoder import reader
from dreamcli.files.header import read_size
from dreamcli.files.plan import Task, make_plan, plan_named, refuse_overwriting, without_results
from dreamcli.files.writing import check_place, remove_leftovers, why_closed
from dreamcli.film import Film, check_film

from .options import Shared
from .report import Report, bars

if TYPE_CHECKING:
    from dreamcli.studio import Source, Studio


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
    if not images:
        return plan_named(names, shared.output, command)
    return make_plan(images, shared.output, command, shared.follow_links)


def run_tasks(
    command: str,
    commissions: list[Commission],
    shared: Shared,
    studio: Studio | None = None,
    also: Callable[[Outcome], Outcome] = lambda outcome: outcome,
) -> int:
    """Make and write every picture of a plan; one bad input never stops the others.

    Args:
        command: the art form's name.
        commissions: what to make, and the art form's settings for it.
        shared: with what, where to, and how loudly.
        studio: if it had to be opened already.
        also: what else is done with each outcome; gives the one to report.

    Returns:
        the exit code.

    Raises:
        WrongRequest: no output can be written where it should, or the network or a layer is unknown.
        DreamcliError: the network's weights, or the guide or the mask, can't be had.
    """
    _check_log(shared.log)
    commissions = _without_results(commissions)
    _spare_others(commissions, shared)
    if shared.animate:
        if shared.cluster:
            raise WrongRequest("--animate is for one picture, made here: leave out --cluster")
        pictures = [path for task, _ in commissions for path in (task.source, task.output) if path]
        check_film(shared.animate, [settings for _, settings in commissions], [*pictures, *shared.others.values()])
    commissions = _with_places(commissions)
    alone = len(commissions) == 1
    if shared.shard:
        commissions = [commission for commission in commissions if shared.shard.has(commission[0].key)]
    log = None if shared.dry_run else shared.log
    report = Report(command, shared.quiet, shared.as_json, shared.verbose, log, shared.show)
    if shared.dry_run:
        report.close(_show_all(commissions, report))
        return 1 if report.counts["failed"] else 0
    for folder in {task.output.parent for task, _ in commissions}:
        remove_leftovers(folder)
    finished = False
    try:
        with bars(len(commissions), hidden=shared.quiet or shared.as_json) as shown:

            def tell(outcomes: list[Outcome]) -> None:
                for outcome in outcomes:
                    report.add(also(outcome))
                shown.end()

            finished = _work(command, commissions, shared, studio, alone, tell, shown.begin)
    finally:
        report.close()
    if not finished:
        return 130
    return 1 if report.counts["failed"] else 0


def _work(
    command: str,
    commissions: list[Commission],
    shared: Shared,
    studio: Studio | None,
    alone: bool,
    tell: Callable[[list[Outcome]], None],
    begin: Begin,
) -> bool:
    """Make everything, here or on a cluster; False if it was interrupted."""
    opened = partial(open_studio, command, shared=shared)
    if not shared.cluster:
        film = Film(shared.animate) if shared.animate else None
        bench = Bench(opened, shared.overwrite, alone, studio, shared.safe_decode, film)
        return work(commissions, bench, tell, begin)
    from dreamcli.cluster import work_on_cluster

    gpus = shared.device in ("auto", "cuda")
    return work_on_cluster(
        shared.cluster, shared.worker_cores, gpus, commissions, opened, shared.overwrite, tell, shared.safe_decode
    )


def _check_log(log: Path | None) -> None:
    if log is None:
        return
    if log.suffix.lower() != ".jsonl":
        raise WrongRequest(f"--report {log} must end in .jsonl")
    check_place(log)


def _with_places(commissions: list[Commission]) -> list[Commission]:
    """Note for each task whether its output could be written; if none could, say so before any work."""
    remembered = cache(why_closed)
    checked, refusal, open_places = [], None, 0
    for task, settings in commissions:
        try:
            if not task.problem:
                check_place(task.output, remembered)
                open_places += 1
        except WrongRequest as error:
            refusal = refusal or error
            task = replace(task, problem=str(error))
        checked.append((task, settings))
    if refusal and not open_places:
        raise refusal
    return checked


def _without_results(commissions: list[Commission]) -> list[Commission]:
    """Leave out inputs that are numbered results of this plan: there, `make_plan` did not know of the numbers."""
    outputs = {task: outputs_of(task, settings) for task, settings in commissions}
    if all(len(paths) == 1 for paths in outputs.values()):
        return commissions
    kept = set(without_results(outputs, outputs.__getitem__))
    return [commission for commission in commissions if commission[0] in kept]


def _spare_others(commissions: list[Commission], shared: Shared) -> None:
    """Refuse a plan that would overwrite a picture that others are made from, or by its number an input."""
    outputs = chain.from_iterable(outputs_of(*commission) for commission in commissions)
    inputs = (("an input", task.source) for task, _ in commissions if task.source)
    others = ((f"the {role}", path) for role, path in shared.others.items())
    refuse_overwriting(chain(outputs, [shared.log] if shared.log else []), chain(inputs, others))


def _show_all(commissions: list[Commission], report: Report) -> str:
    """Say what would be made, and how much that is, as far as that is known without unpacking a picture."""
    pixels = 0
    for task, settings in commissions:
        problem = task.problem
        try:
            if task.source and not problem:
                width, height = read_size(task.source)
                pixels += width * height
        except DreamcliError as error:
            problem = str(error)
        for output in outputs_of(task, settings):
            remark = "(there is a file already)" if output.exists() else ""
            status = "failed" if problem else "planned"
            report.add(Outcome(status, task.title, str(output), problem or remark))
    return f"; {pixels / 1e6:.2f} megapixels to read" if pixels else ""


def open_studio(command: str, settings: Any, shared: Shared) -> Studio:
    """Import torch, load the network, and read the pictures that all are made from."""
    from dreamcli.engine.compute import keep_freed_memory
    from dreamcli.studio import Studio

    sources = {role: read_source(path, shared.safe_decode) for role, path in shared.others.items()}
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


def read_source(path: Path, safe_decode: bool = False) -> Source:
    """Read a picture that others are made from.

    Raises:
        DreamcliError: it can't be read.
    """
    from dreamcli.studio import Source

    try:
        return Source(reader(safe_decode)(path), typed(path))
    except DreamcliError as error:
        raise DreamcliError(f"{path}: {error}") from error
