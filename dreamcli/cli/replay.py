"""``dreamcli replay``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dreamcli.errors import DreamcliError

from .options import Shared, replay_options

if TYPE_CHECKING:
    from dreamcli.files.record import Record


@click.command()
@click.argument("picture", metavar="OUTPUT", type=click.Path(path_type=Path))
@click.option("--input", "given", type=click.Path(path_type=Path), metavar="PATH",
              help="The photograph behind it.  [default: looked for where it was, and beside OUTPUT]")  # fmt: skip
@replay_options("Where to write it.  [default: ./STEM-replay.png, or as OUTPUT ends]")
def replay(picture: Path, given: Path | None, output: str | None, **options: Any) -> int:
    """Make a picture again, from the record that it carries.

    OUTPUT is a picture that dreamcli made. Says whether the new pixels are identical; if they are not,
    the exit code is 1.
    """
    from dreamcli.art.forms import settings_from_json
    from dreamcli.files.plan import make_plan
    from dreamcli.files.record import read_record

    from .report import error
    from .runner import run_tasks

    record = read_record(picture)
    if record is None:
        raise DreamcliError(f"{picture} carries no record: it was not made by dreamcli, or was edited since")
    job = record.job
    values = dict(job.settings)
    device, precision = values.pop("device", "auto"), values.pop("precision", "auto")
    try:
        settings = settings_from_json(job.command, values)
    except (TypeError, KeyError, ValueError):
        raise DreamcliError(
            f"{picture} was made by dreamcli {record.versions.get('dreamcli')}, with settings unknown here"
        ) from None
    source = _find_input(picture, record, given)
    output = output or f"{picture.stem}-replay{picture.suffix}"
    tasks = make_plan([str(source)], output, job.command)
    shared = Shared(output=output, model=job.network["name"], device=device, precision=precision, **options)
    code = run_tasks(job.command, settings, tasks, shared)
    if code or options["dry_run"]:
        return code
    if difference := _difference(picture, record, tasks[0].output):
        error(f"{tasks[0].output} is not the same as {picture}: {difference}")
        return 1
    if not options["quiet"] and not options["as_json"]:
        click.echo(f"identical to {picture}", err=True)
    return 0


def _find_input(picture: Path, record: Record, given: Path | None) -> Path:
    """Find the photograph that a picture was made from, and make sure that it is the one."""
    from dreamcli.files.reading import read_picture

    name = Path(record.source)
    places = [given] if given else [name, picture.parent / name, picture.parent / name.name]
    for place in places:
        if place.is_file() and read_picture(place).sha256 == record.job.input:
            return place
    if given:
        raise DreamcliError(f"{given} is not the photograph that {picture} was made from (another SHA-256, or no file)")
    raise DreamcliError(f"the photograph {name} that {picture} was made from is not here; say where with --input PATH")


def _difference(old: Path, record: Record, new: Path) -> str:
    """Why two pictures are not the same; empty if they are."""
    import numpy as np

    from dreamcli.files.reading import read_picture
    from dreamcli.files.record import read_record

    now = read_record(new)
    assert now is not None
    if now.job.network != record.job.network:
        return "the network's weights are others; give those it was made with by --weights"
    before, after = read_picture(old), read_picture(new)
    if before.pixels.shape == after.pixels.shape and np.array_equal(before.pixels, after.pixels):
        return ""
    if now.versions != record.versions:
        return f"it was made with {_versions(record)}, this is {_versions(now)}"
    return "it was made on another machine, or edited since"


def _versions(record: Record) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(record.versions.items()))
