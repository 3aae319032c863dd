"""Make a film, or finish one, and report it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from dreamcli.errors import DreamcliError, WrongRequest
from dreamcli.files.atomic import check_place
from dreamcli.files.decoder import reader
from dreamcli.files.formats import FILMS
from dreamcli.files.plan import Task
from dreamcli.settings.film import FilmSettings
from dreamcli.studio.batch import Opened, Outcome, failure, recorded_name
from dreamcli.studio.pictures import read_file

from .errors import FAILED, INTERRUPTED, say
from .options import SharedOptions
from .report import Report, bars, duration
from .runner import check_outputs, open_session

if TYPE_CHECKING:
    from dreamcli.studio.filming import Film


def make_film(
    image: Path, settings: FilmSettings, shared: SharedOptions, keep_frames: bool, opened: Opened | None = None
) -> int:
    """Make a film of a picture, or what is missing of it, and return the exit code.

    Raises:
        WrongRequest: the film can't be written there, or the network or a layer is unknown.
        DreamcliError: the picture or the network's weights can't be read.
    """
    output = Path(shared.output or f"{image.stem}-film.mp4")
    if output.suffix.lower() not in FILMS:
        raise WrongRequest(f"-o {output} must end in {', '.join(FILMS)}")
    check_outputs([Task(image, output, settings)], shared)
    check_place(output)
    start = read_file(image, recorded_name(image), reader(shared.safe_decode))
    session, references = opened or open_session(shared)
    session.check(settings, references)
    from dreamcli.studio.filming import Film

    film = Film(session, settings, start, references, output, shared.overwrite, keep_frames)
    report = Report("film", shared, None if shared.dry_run else shared.log)
    try:
        outcome = _planned(film, image) if shared.dry_run else _made(film, image, shared)
    except DreamcliError as error:
        outcome = failure(str(image), output, error)
    report.add(outcome)
    report.close()
    return {"failed": FAILED, "interrupted": INTERRUPTED}.get(outcome.status, 0)


def _described(film: Film) -> str:
    settings = film.settings
    height, width = settings.frame_size(*film.start.picture.pixels.shape[:2])
    return f"{settings.frames} frames of {width}x{height}, {settings.fps} a second"


def _planned(film: Film, image: Path) -> Outcome:
    each = film.seconds_a_frame()
    message = f"({_described(film)}; about {duration(each * film.settings.frames)}, at {each:.2g} s a frame)"
    details: dict[str, object] = {"frames": film.settings.frames, "seconds_a_frame": round(each, 3)}
    return Outcome("planned", str(image), str(film.output), message, details=details)


def _made(film: Film, image: Path, shared: SharedOptions) -> Outcome:
    if film.is_made():
        return Outcome("skipped", str(image), str(film.output), "(already made)")
    is_quiet = shared.quiet or shared.as_json
    if not is_quiet:
        say(_described(film))
    started = time.perf_counter()
    with bars(1, hidden=is_quiet) as shown:
        stopped = film.make(shown.begin(film.output.name))
    details: dict[str, object] = {"frames": film.settings.frames, "seconds": round(time.perf_counter() - started, 3)}
    if stopped == "interrupted":
        message = "(what was made so far; the same command goes on)"
        return Outcome("interrupted", str(image), str(film.output), message, details=details)
    note = f"(its frames: {film.folder})" if film.keep_frames else ""
    return Outcome("done", str(image), str(film.output), note, details=details)
