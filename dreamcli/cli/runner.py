"""Plan and make pictures: what all commands that make them share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import chain
from os.path import realpath
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dreamcli.errors import Hint, WrongRequest, check, needs
from dreamcli.files.atomic import check_place, remove_leftovers, why_closed
from dreamcli.files.decoder import reader
from dreamcli.files.formats import FILMS, PIPE, VIDEOS
from dreamcli.files.identity import identity
from dreamcli.files.plan import (
    Task,
    find_pictures,
    frames_folder,
    make_plan,
    plan_each_style,
    plan_named,
    refuse_overwriting,
)
from dreamcli.files.regular import MAX_PICTURE
from dreamcli.files.writing import write_arrays
from dreamcli.settings.base import Settings
from dreamcli.settings.visualization import VisualizationSettings
from dreamcli.studio import request
from dreamcli.studio.animate import Animation
from dreamcli.studio.batch import Outcome, PictureMaker
from dreamcli.studio.cluster import run_on_cluster
from dreamcli.studio.request import OpenSession

from .dry_run import show_plan
from .errors import FAILED, INTERRUPTED
from .options import SharedOptions
from .pipes import IN, is_piped, outgoing, received, sent
from .report import Report, bars
from .terminal import hidden_bars, say
from .watching import watch_folders

if TYPE_CHECKING:
    from dreamcli.studio.film import Film

_UNSAFE = "videos aren't decoded in a separate process: leave out --safe-decode"

# what the commands import in their bodies
__all__ = [
    "check_place",
    "make_film",
    "make_on_pictures",
    "make_pictures",
    "open_session",
    "pictures_to_look_at",
    "plan_named",
    "plan_on_pictures",
    "reader",
    "start_of",
    "write_arrays",
]


def plan_on_pictures(images: tuple[str, ...], shared: SharedOptions, settings: Settings, name: str = "") -> list[Task]:
    """Plan pictures from the images that were typed, from --start, or from noise under ``name``.

    Raises:
        click.UsageError: images and --start are both given.
        WrongRequest: see `make_plan` and `plan_named`.
    """
    if shared.each_style:
        styles = [style.picture for style in shared.references.styles]
        once = replace(shared, each_style=False)
        return plan_each_style(
            styles, shared.output, lambda output: plan_on_pictures(images, replace(once, output=output), settings, name)
        )
    if images and shared.start:
        raise click.UsageError("IMAGE and --start can't be combined")
    if is_piped(images) or shared.start == PIPE:
        return plan_named([(IN, settings)], shared.output, received(MAX_PICTURE))
    if shared.start_path:
        images = (str(shared.start),)
    if not images:
        return plan_named([(name, settings)], shared.output)
    return make_plan(
        images, shared.output, settings, shared.follow_links, shared.left_out, animated=not shared.safe_decode
    )


def make_on_pictures(
    images: tuple[str, ...],
    shared: SharedOptions,
    settings: Settings,
    name: str = "",
    opened: OpenSession | None = None,
) -> int:
    """Plan and make pictures as `plan_on_pictures` and `make_pictures` do; with --watch, also those that come later.

    Raises:
        click.UsageError, WrongRequest, DreamcliError: see there, and `watch_folders`.
    """
    if not shared.watch:
        tasks = plan_on_pictures(images, shared, settings, name)
        if shared.keep_frames and not any(task.is_film for task in tasks):
            raise click.UsageError("--keep-frames is for a video")
        return make_pictures(tasks, shared, opened)
    check(bool(images), "--watch needs a folder")
    planned = replace(shared, left_out=set())  # they would be counted again with every new picture
    opening = cache(lambda: opened or open_session(shared))
    return watch_folders(
        images,
        shared,
        lambda: plan_on_pictures(images, planned, settings),
        lambda tasks: make_pictures(tasks, shared, opening()),
    )


def make_film(image: str, shared: SharedOptions, settings: Settings, opened: OpenSession | None) -> int:
    """Make a zoom into a picture, and return the exit code.

    Raises:
        WrongRequest, DreamcliError: see `make_pictures`.
    """
    check(not shared.to_stdout, "a film can't go to stdout: name a file with -o")
    tasks = make_plan([image], shared.output, settings)
    if tasks[0].output.suffix.lower() in VIDEOS:
        needs("av")  # which may be missing
    return make_pictures(tasks, shared, opened)


def pictures_to_look_at(images: tuple[str, ...], shared: SharedOptions, settings: Settings) -> list[Task]:
    """The pictures for work without outputs.

    Raises:
        WrongRequest: see `find_pictures`.
    """
    if is_piped(images):
        return [Task(received(MAX_PICTURE), Path(), settings, name=IN)]
    return find_pictures(images, settings, shared.follow_links, shared.left_out)


def start_of(shared: SharedOptions) -> Path | None:
    """The picture of --start, from a pipe if that is what was typed; None for noise."""
    return received(MAX_PICTURE) if shared.start == PIPE else shared.start_path


def make_pictures(
    tasks: Sequence[Task],
    shared: SharedOptions,
    opened: OpenSession | None = None,
    after_each: Callable[[Outcome], Outcome] = lambda outcome: outcome,
) -> int:
    """Make and write every picture of a plan, and return the exit code. One bad input doesn't stop the rest.

    Args:
        opened: the session, if it had to be opened already.
        after_each: called with each outcome; returns the one to report.

    Raises:
        WrongRequest: no output can be written where it should be, or the network or a layer is unknown.
        DreamcliError: the network's weights, or the guide or the mask, can't be read.
    """
    if shared.to_stdout:
        check(not shared.as_json, "-o - and --json can't be combined: both write to stdout")
        check([len(task.outputs) for task in tasks] == [1], "-o -: stdout takes one picture only")
        if not shared.dry_run:
            tasks = [replace(task, output=outgoing()) for task in tasks]
    names = {str(task.source): IN for task in tasks if task.name == IN}
    check_outputs(tasks, shared)
    _check_animation(tasks, shared)
    tasks = _with_places(_with_readable_films(tasks, shared))
    is_alone = len(tasks) == 1
    if shared.shard:
        tasks = [task for task in tasks if shared.shard.has(task.key)]
    report = Report(str(click.get_current_context().command.name), shared, None if shared.dry_run else shared.log)
    if shared.dry_run:
        show_plan(
            tasks, opened or open_session(shared, blank=True), shared.overwrite, report, reader(shared.safe_decode)
        )
        return FAILED if report.counts["failed"] else 0
    for folder in {task.output.parent for task in tasks}:
        remove_leftovers(folder)
    try:
        with bars(len(tasks), hidden=shared.quiet or shared.as_json) as shown:

            def on_outcomes(outcomes: list[Outcome]) -> None:
                shown.end()
                for outcome in map(after_each, outcomes):
                    named = replace(outcome, source=names.get(outcome.source, outcome.source))
                    report.add(sent(named) if shared.to_stdout else named)

            if shared.cluster:
                gpus, maker = shared.setup.device in ("auto", "cuda"), partial(_maker, shared)
                finished = run_on_cluster(shared.cluster, shared.worker_cores, gpus, tasks, maker, on_outcomes)
            else:
                on_held = partial(shown.say_that_it_stops, shared.quiet)
                finished = _maker(shared, is_alone, opened, on_held).run(tasks, on_outcomes, shown.begin)
    finally:
        report.close()
    if not finished:
        if not is_alone and not shared.quiet and not shared.as_json:
            say("run the same command to continue")
        return INTERRUPTED
    return FAILED if report.counts["failed"] else 0


def _maker(
    shared: SharedOptions,
    is_alone: bool = False,
    opened: OpenSession | None = None,
    on_held: Callable[[], None] = lambda: None,
) -> PictureMaker:
    def announce(film: Film) -> None:
        if is_alone and not shared.quiet and not shared.as_json:
            say(str(film))

    return PictureMaker(
        open_session=lambda: opened or open_session(shared),
        overwrite=shared.overwrite,
        keep_partial=is_alone,
        keep_frames=shared.keep_frames,
        read=reader(shared.safe_decode),
        animation=Animation(shared.animate) if shared.animate else None,
        on_held=on_held,
        on_film=announce,
    )


def check_outputs(tasks: Sequence[Task], shared: SharedOptions) -> None:
    """Refuse a log that can't be written, and a plan that would overwrite a picture that others are made from."""
    outputs = list(chain.from_iterable(task.outputs for task in tasks))
    if log := shared.log:
        if log.suffix.lower() != ".jsonl":
            raise WrongRequest(f"--report {log} must end in .jsonl")
        check_place(log)
        outputs.append(log)
    inputs = (("an input", task.source) for task in tasks if task.source)
    references = ((f"the {role}", path) for role, path in shared.references.by_role().items())
    refuse_overwriting(outputs, chain(inputs, references))
    if folders := {frames_folder(task.output).resolve() for task in tasks if task.is_film}:
        for path in chain((task.source for task in tasks), shared.references.by_role().values()):
            if path and (inside := folders.intersection(path.resolve().parents)):
                raise WrongRequest(f"{path} is in {inside.pop().name}, where the film's frames go", Hint.OTHER_OUTPUT)


def _with_readable_films(tasks: Sequence[Task], shared: SharedOptions) -> list[Task]:
    """Mark films that can't be made with these options; if none can, say so before any work."""
    films = [task for task in tasks if task.is_film and task.settings.takes_videos]
    if films and len(films) == len(tasks):
        refused = {"--animate": shared.animate, "--show": shared.show, "--safe-decode": shared.safe_decode}
        for option in (option for option, is_given in refused.items() if is_given):
            raise WrongRequest(f"{option} doesn't work for a video")
    if not shared.safe_decode:
        return list(tasks)
    return [replace(task, problem=_UNSAFE) if task in films else task for task in tasks]


def _check_animation(tasks: Sequence[Task], shared: SharedOptions) -> None:
    """Refuse to animate several pictures, and a place that couldn't be written to, before any work."""
    path = shared.animate
    if not path:
        return
    if shared.cluster:
        raise WrongRequest("--animate and --cluster can't be combined")
    for settings in (task.settings for task in tasks):
        if isinstance(settings, VisualizationSettings):
            several = {"--count": settings.count > 1, "--best-of": settings.best_of > 1, "--sheet": settings.sheet}
            for option in (option for option, is_given in several.items() if is_given):
                raise WrongRequest(f"--animate is for one picture: leave out {option}")
    if len(tasks) != 1:
        raise WrongRequest(f"--animate is for one picture, not for {len(tasks)}")
    if path.suffix.lower() not in FILMS:
        raise WrongRequest(f"--animate {path} must end in {', '.join(FILMS)}")
    if path.suffix.lower() in VIDEOS:
        needs("av")  # which may be missing
    pictures = [tasks[0].source, tasks[0].output, *shared.references.by_role().values()]
    # compared by name, too: the output need not exist yet
    place, known = realpath(path), identity(path)
    if any(realpath(other) == place or (known and identity(other) == known) for other in pictures if other):
        raise WrongRequest(f"--animate {path} is one of the inputs, or the output; choose another")
    check_place(path)


def _with_places(tasks: Sequence[Task]) -> list[Task]:
    """Mark outputs that can't be written; if none can, say so before any work."""
    remembered = cache(why_closed)
    checked, refusal, writable = [], None, 0
    for task in tasks:
        try:
            if not task.problem:
                check_place(task.output, remembered)
                writable += 1
        except WrongRequest as error:
            refusal = refusal or error
            task = replace(task, problem=str(error), hint=error.hint)
        checked.append(task)
    if refusal and not writable:
        raise refusal
    return checked


def open_session(shared: SharedOptions, blank: bool = False) -> OpenSession:
    """Read the references, import torch, and load the networks; if they may be ``blank``, without any download.

    Raises:
        WrongRequest, DreamcliError: a network, its weights or a reference can't be opened.
    """
    with hidden_bars():  # weights may be downloaded, with a bar of their own
        return request.open_session(shared.setup, shared.references, reader(shared.safe_decode), blank)
