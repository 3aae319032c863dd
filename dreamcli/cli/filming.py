"""Make a film, or finish one, and report it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dreamcli.errors import Hint, WrongRequest, check
from dreamcli.files.animation import MAX_GIF_FPS
from dreamcli.files.atomic import check_place
from dreamcli.files.clip import Clip, is_clip, read_clip
from dreamcli.files.decoder import reader
from dreamcli.files.formats import VIDEOS
from dreamcli.files.plan import Task, frames_folder, plan_film
from dreamcli.files.pyav import import_av
from dreamcli.files.reading import Picture
from dreamcli.settings.base import Schedule
from dreamcli.settings.film import FilmSettings
from dreamcli.settings.references import References
from dreamcli.studio.batch import OpenSession, Outcome, failure, recorded_name
from dreamcli.studio.pictures import ReadInput, read_file

from .errors import FAILED, INTERRUPTED
from .options import SharedOptions
from .report import Report, bars, duration
from .runner import check_outputs, open_session
from .terminal import say

if TYPE_CHECKING:
    from dreamcli.studio.filming import Film
    from dreamcli.studio.workshop import Workshop


def has_clip(images: tuple[str, ...], keep_frames: bool) -> bool:
    """Whether there is a video among the images that were typed.

    Raises:
        click.UsageError: there isn't, but frames should be kept.
    """
    found = any(is_clip(Path(image)) for image in images)
    if keep_frames and not found:
        raise click.UsageError("--keep-frames is for a video")
    return found


def repaint_clip(images: tuple[str, ...], settings: Schedule, shared: SharedOptions, keep_frames: bool) -> int:
    """Repaint a video, or the part that is missing, and return the exit code.

    Raises:
        WrongRequest: there are other pictures besides, or options that don't go with a video; or see `make_film`.
        DreamcliError: see `make_film`.
    """
    if len(images) > 1 or shared.start:
        raise WrongRequest("only one video at a time, without other pictures")
    refused = {"--animate": shared.animate, "--cluster": shared.cluster, "--shard": shared.shard, "--show": shared.show,
               "--safe-decode": shared.safe_decode, "--watch": shared.watch}  # fmt: skip
    for option in (option for option, is_given in refused.items() if is_given):
        raise WrongRequest(f"{option} doesn't work for a video")
    return make_film(Path(images[0]), settings, shared, keep_frames)


def make_film(
    image: Path, settings: Schedule, shared: SharedOptions, keep_frames: bool, opened: OpenSession | None = None
) -> int:
    """Make a film of a picture or a video, or the part that is missing, and return the exit code.

    Args:
        settings: of a film if it is a picture, and otherwise of what to do with each frame of the video.
        opened: the session, if it had to be opened already.

    Raises:
        WrongRequest: the film can't be written there, or the network or a layer is unknown.
        DreamcliError: the picture or the network's weights can't be read.
    """
    check(not shared.to_stdout, "a film can't go to stdout: name a file with -o")
    output = plan_film(image, shared.output, settings)
    check_outputs([Task(image, output, settings)], shared)
    check_place(output)
    _check_frames_folder(output, [image, *shared.references.by_role().values()])
    if output.suffix.lower() in VIDEOS:
        import_av()  # which may be missing
    source = read_source(image, settings, reader(shared.safe_decode))
    session, references = opened or open_session(shared)
    session.check(settings, references)
    film = film_of(source, settings, session, references, output, shared.overwrite, keep_frames)
    is_too_quick = output.suffix.lower() == ".gif" and film.fps > MAX_GIF_FPS
    check(
        not is_too_quick,
        f"a GIF shows at most {MAX_GIF_FPS} frames per second, not {float(film.fps):.4g}; write a .webp or .mp4",
    )
    report = Report(settings.command, shared, None if shared.dry_run else shared.log)
    try:
        outcome = _planned(film, image) if shared.dry_run else _made(film, image, shared)
    except KeyboardInterrupt:
        message = "(run the same command to continue)" if film.folder.is_dir() else "(not kept)"
        outcome = Outcome("interrupted", str(image), str(output), message)
    except Exception as error:
        outcome = failure(str(image), output, error)
    report.add(outcome)
    report.close()
    return {"failed": FAILED, "interrupted": INTERRUPTED}.get(outcome.status, 0)


def _check_frames_folder(output: Path, sources: Sequence[Path]) -> None:
    folder = frames_folder(output)
    for path in sources:
        if folder.resolve() in path.resolve().parents:
            raise WrongRequest(f"{path} is in {folder}, where the film's frames go", Hint.OTHER_OUTPUT)


def read_source(image: Path, settings: Schedule, read: Callable[[Path], Picture]) -> ReadInput | Clip:
    """Read what a film is made from: a picture to zoom into, or a video.

    Raises:
        DreamcliError: it can't be read.
    """
    return read_file(image, recorded_name(image), read) if isinstance(settings, FilmSettings) else read_clip(image)


def film_of(
    source: ReadInput | Clip,
    settings: Schedule,
    session: Workshop,
    references: References[ReadInput],
    output: Path,
    overwrite: bool,
    keep_frames: bool = False,
) -> Film:
    """The film that settings describe."""
    from dreamcli.studio.films import ClipFilm, ZoomFilm, start_of

    common: Any = {"session": session, "references": references, "output": output, "overwrite": overwrite,
                   "keep_frames": keep_frames}  # fmt: skip
    if isinstance(source, Clip):
        start = start_of(source, recorded_name(source.path))
        return ClipFilm(settings=settings, start=start, clip=source, **common)
    assert isinstance(settings, FilmSettings)
    return ZoomFilm(settings=settings, start=source, **common)


def _described(film: Film) -> str:
    height, width = film.size
    return f"{film.frames} frames of {width}x{height}, {float(film.fps):.4g} per second"


def _planned(film: Film, image: Path) -> Outcome:
    if film.is_made():
        return Outcome("skipped", str(image), str(film.output), "(already made)")
    each = film.seconds_a_frame()
    message = f"({_described(film)}; about {duration(each * film.frames)}, at {each:.2g} s per frame)"
    details: dict[str, object] = {"frames": film.frames, "seconds_a_frame": round(each, 3)}
    return Outcome("planned", str(image), str(film.output), message, details=details)


def _made(film: Film, image: Path, shared: SharedOptions) -> Outcome:
    if film.is_made():
        return Outcome("skipped", str(image), str(film.output), "(already made)")
    is_quiet = shared.quiet or shared.as_json
    started = time.perf_counter()
    with bars(1, hidden=is_quiet) as shown:
        if not is_quiet:
            say(_described(film))
        stopped = film.make(shown.begin(film.output.name))
    details: dict[str, object] = {"frames": film.frames, "seconds": round(time.perf_counter() - started, 3)}
    if stopped == "interrupted":
        message = "(what was made so far; run the same command to continue)"
        return Outcome("interrupted", str(image), str(film.output), message, details=details)
    notes = [f"frames kept in {film.folder}"] if film.keep_frames else []
    if film.ends_early is not None:
        notes.append(f"{image} is cut off after {film.ends_early:.1f} s")
    note = f"({'; '.join(notes)})" if notes else ""
    return Outcome("done", str(image), str(film.output), note, details=details)
