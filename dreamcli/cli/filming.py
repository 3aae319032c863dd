"""``dreamcli film``: make a zoom into a picture, or finish one, and report it."""

from __future__ import annotations

from pathlib import Path

from dreamcli.errors import check, needs
from dreamcli.files.atomic import check_place
from dreamcli.files.decoder import reader
from dreamcli.files.formats import VIDEOS
from dreamcli.files.plan import make_plan
from dreamcli.settings.film import FilmSettings
from dreamcli.studio.batch import OpenSession, Outcome, failure, recorded_name, run_film
from dreamcli.studio.pictures import read_file

from .dry_run import planned_film
from .errors import FAILED, INTERRUPTED
from .options import SharedOptions
from .report import Report, bars
from .runner import check_outputs, open_session
from .terminal import say


def make_film(image: Path, settings: FilmSettings, shared: SharedOptions, opened: OpenSession | None = None) -> int:
    """Make a zoom into a picture, or the part that is missing, and return the exit code.

    Args:
        opened: the session, if it had to be opened already.

    Raises:
        WrongRequest: the film can't be written there, or the network or a layer is unknown.
        DreamcliError: the picture or the network's weights can't be read.
    """
    check(not shared.to_stdout, "a film can't go to stdout: name a file with -o")
    tasks = make_plan([str(image)], shared.output, settings)
    output = tasks[0].output
    check_outputs(tasks, shared)
    check_place(output)
    if output.suffix.lower() in VIDEOS:
        needs("av")  # which may be missing
    source = read_file(image, recorded_name(image), reader(shared.safe_decode))
    session, references = opened or open_session(shared)
    session.check(settings, references)
    film = session.film(source, settings, references, output, shared.overwrite, shared.keep_frames)
    report = Report(settings.command, shared, None if shared.dry_run else shared.log)
    is_quiet = shared.quiet or shared.as_json
    try:
        if shared.dry_run:
            made = film.is_made()
            skipped = Outcome("skipped", str(image), str(output), "(already made)")
            outcome = skipped if made else planned_film(film, str(image))
        else:
            with bars(1, hidden=is_quiet) as shown:
                outcome = run_film(film, str(image), shown.begin, lambda film: None if is_quiet else say(str(film)))
    except KeyboardInterrupt:
        outcome = Outcome("interrupted", str(image), str(output), "(not kept)")
    except Exception as error:
        outcome = failure(str(image), output, error)
    report.add(outcome)
    report.close()
    return {"failed": FAILED, "interrupted": INTERRUPTED}.get(outcome.status, 0)
