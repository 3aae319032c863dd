"""``--raw``: the numbers behind a sheet, as arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dreamcli.errors import WrongRequest
from dreamcli.files.identity import identity
from dreamcli.settings.base import Settings

from .options import SharedOptions

if TYPE_CHECKING:
    from dreamcli.studio.batch import Outcome
    from dreamcli.studio.request import OpenSession


def raw_option(help: str) -> Callable[[Any], Any]:
    """--raw."""
    return click.option("--raw", type=click.Path(path_type=Path), metavar="FILE.npz", help=help)


def make_with_raw(
    images: tuple[str, ...], shared: SharedOptions, settings: Settings, raw: Path, opened: OpenSession | None = None
) -> int:
    """Make the sheet of one picture, write the arrays behind it, and return the exit code.

    Args:
        opened: the session, if it had to be opened already.

    Raises:
        WrongRequest: there are several pictures, or the file can't be written; or see `make_pictures`.
        DreamcliError: see `make_pictures`.
    """
    from .runner import check_place, make_pictures, open_session, plan_on_pictures, reader, write_arrays

    if shared.watch:
        raise WrongRequest("--raw works with one IMAGE only, not with --watch")
    tasks = plan_on_pictures(images, shared, settings)
    _check_raw(raw, len(tasks), shared)
    known = identity(raw)
    if known and any(task.source and identity(task.source) == known for task in tasks):
        raise WrongRequest(f"--raw {raw} is the input; choose another")
    check_place(raw)
    if shared.dry_run:
        return make_pictures(tasks, shared, opened)
    session, references = opened or open_session(shared)

    def write_raw(outcome: Outcome) -> Outcome:
        if outcome.status not in ("done", "skipped"):
            return outcome
        result = outcome.result
        if not result:  # the sheet was made earlier
            from dreamcli.studio.pictures import read_file

            source = tasks[0].source or Path(outcome.source)
            (result,) = session.make(settings, read_file(source, outcome.source, reader(shared.safe_decode)))
        write_arrays(raw, result.maps)
        message = f"{outcome.message} (arrays: {raw})".lstrip()
        return replace(outcome, message=message, details=outcome.details | {"raw": str(raw)})

    return make_pictures(tasks, shared, (session, references), write_raw)


def _check_raw(raw: Path, count: int, shared: SharedOptions) -> None:
    if count != 1:
        raise WrongRequest("--raw works with one IMAGE only")
    if shared.shard or shared.cluster:
        raise WrongRequest("--raw can't be combined with --shard or --cluster")
    if raw.suffix.lower() != ".npz":
        raise WrongRequest(f"--raw {raw} must end in .npz")
    if raw.exists() and not shared.overwrite:
        raise WrongRequest(f"--raw {raw} already exists; choose another, or add --overwrite")
