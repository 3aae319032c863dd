"""``dreamcli replay``."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dreamcli.engine import DEVICES, PRECISIONS
from dreamcli.errors import DreamcliError, WrongRequest
from dreamcli.networks.known import is_own

from .options import Shared, replay_options
from .report import Report, bars
from .save_preset import save_preset

if TYPE_CHECKING:
    from dreamcli.batch import Outcome
    from dreamcli.files.reading import Picture
    from dreamcli.files.record import Record
    from dreamcli.studio import Studio


@click.command()
@click.argument("picture", metavar="OUTPUT", type=click.Path(path_type=Path))
@click.option("--input", "given", type=click.Path(path_type=Path), metavar="PATH",
              help="The photograph behind it.  [default: looked for where it was, and beside OUTPUT]")  # fmt: skip
@click.option("--other", "moved", multiple=True, metavar="ROLE=PATH",
              help="Another picture behind it, likewise, such as guide=cat.jpg.")  # fmt: skip
@click.option("--model", metavar="FILE.py:CLASS",
              help="Your own network, if it was one: its code is run only when you name it.")  # fmt: skip
@click.option("--judge", metavar="MODEL[=FILE]", help="The judge, if its weights are a file of your own.")
@click.option("--device", type=click.Choice(DEVICES), help="Where to compute.  [default: as it was]")
@click.option("--precision", type=click.Choice(PRECISIONS), help="Of the network.  [default: as it was]")
@click.option("--save-preset", "preset", metavar="NAME",
              help="Make nothing, but keep the settings (no --weights, --judge or masks) under this name.")  # fmt: skip
@replay_options("Where to write it.  [default: ./STEM-replay, ending as OUTPUT does]")
def replay(picture: Path, given: Path | None, moved: tuple[str, ...], preset: str | None, **options: Any) -> int:
    """Make a picture again, from the record that it carries.

    OUTPUT is a picture that dreamcli made. Says whether the new pixels are identical; if they are not,
    the exit code is 1.
    """
    record = _record_of(picture)
    shared, _ = Shared.split(options)  # the model, device and precision are None where they are as they were
    _check_networks(picture, record, shared.model, shared.judge)
    report = Report("replay", shared.quiet, shared.as_json, shared.verbose, show=shared.show and not preset)
    if preset:
        outcome = _save_preset(preset, picture, record, moved, shared)
    else:
        outcome = _make_again(picture, record, given, moved, shared)
    report.add(outcome)
    report.close()
    return 0 if outcome.details.get("identical", True) else 1


def _save_preset(name: str, picture: Path, record: Record, moved: tuple[str, ...], shared: Shared) -> Outcome:
    from dreamcli.batch import Outcome

    settings, _ = _settings_of(picture, record)
    others = _others(picture, record, moved, masks=False)
    place = save_preset(name, picture, record, settings, others, overwrite=shared.overwrite, dry=shared.dry_run)
    return Outcome("planned" if shared.dry_run else "done", str(picture), str(place))


def _make_again(picture: Path, record: Record, given: Path | None, moved: tuple[str, ...], shared: Shared) -> Outcome:
    """Find what the picture was made from, make it again, and compare the two."""
    from dreamcli.batch import Outcome
    from dreamcli.files.animation import is_animation
    from dreamcli.files.decoder import Decoder
    from dreamcli.files.reading import read_picture

    read = Decoder().read if shared.safe_decode else partial(read_picture, limited=False)
    old = read(picture)
    if is_animation(picture):
        raise DreamcliError(f"{picture} is an animation; give the picture whose ascent it shows")
    source = _find(picture, record.source, record.job.input, given, "--input ") if record.job.input else None
    others = _others(picture, record, moved)
    target = _target(picture, shared.output, source, others)
    if shared.dry_run:
        return Outcome("planned", str(source or "noise"), str(target), details={"record": asdict(record)})
    now = _write_again(picture, record, source, target, replace(shared, others=others))
    difference = _difference(old, record, read(target), now)
    message = difference or f"identical to {picture}"
    return Outcome("done", str(source or "noise"), str(target), message, {"identical": not difference})


def _write_again(picture: Path, record: Record, source: Path | None, target: Path, shared: Shared) -> Record:
    """Make the picture as it was made, write it, and give its new record."""
    from dreamcli.batch import finished_before, look_at
    from dreamcli.files.writing import write_picture

    from .runner import read_source

    settings, was = _settings_of(picture, record)
    model, judge = _models(picture, record, shared.model, shared.judge)
    device, precision = shared.device or was["device"], shared.precision or was["precision"]
    shared = replace(shared, model=model, judge=judge, device=device, precision=precision)
    studio = _studio_of(picture, record, settings, shared)
    start = read_source(source, shared.safe_decode) if source else None
    index = getattr(settings, "index", 0)
    job = studio.jobs(start.picture if start else None)[index]
    finished_before(target, look_at(target), job, shared.overwrite)
    with bars(1, hidden=shared.quiet or shared.as_json) as shown:
        made, now = studio.make(start, shown.begin(picture.name))[index]
    if now.stopped == "interrupted":
        raise KeyboardInterrupt
    write_picture(target, made, now)
    return now


def _check_networks(picture: Path, record: Record, model: str | None, judge: str | None) -> None:
    """Refuse networks that the picture was not made with."""
    name = record.job.network["name"]
    if model and not is_own(name):
        raise WrongRequest(f"{picture} was made by {name}, not by a network of your own: leave out --model")
    if judge and not record.job.judge:
        raise WrongRequest(f"{picture} was made without a judge: leave out --judge")


def _models(picture: Path, record: Record, model: str | None, judge: str | None) -> tuple[str, str | None]:
    """The network and the judge; those that are the user's own code are named anew, since that code is run."""
    name, judge_name = record.job.network["name"], record.job.judge.get("name")
    if is_own(name):
        if not model:
            raise DreamcliError(f"{picture} was made by your own network; name it: --model {name} --weights FILE")
        name = model
    if is_own(judge_name or "") and not judge:
        raise DreamcliError(f"{picture} was judged by a network of one's own; name it: --judge FILE.py:CLASS=WEIGHTS")
    return name, judge or judge_name


def _studio_of(picture: Path, record: Record, settings: Any, shared: Shared) -> Studio:
    """Open the studio that the picture was made in, with the very same weights."""
    from .runner import open_studio

    studio = open_studio(record.job.command, settings, shared)
    if studio.network.weights_sha256 != record.job.network["sha256"]:
        raise DreamcliError(f"{picture} was made with other weights of {shared.model}; give them by --weights")
    if studio.judge and studio.judge.weights_sha256 != record.job.judge["sha256"]:
        raise DreamcliError(f"{picture} was judged by other weights of {shared.judge}; give them by --judge MODEL=FILE")
    return studio


def _record_of(picture: Path) -> Record:
    from dreamcli.files.record import read_record

    record = read_record(picture)
    if record is None:
        raise DreamcliError(f"{picture} carries no record: it was not made by dreamcli, or was edited since")
    if record.stopped == "interrupted":
        raise DreamcliError(
            f"{picture} was interrupted, so it can't be made again; its command can be finished, though"
        )
    return record


def _settings_of(picture: Path, record: Record) -> tuple[Any, dict[str, str]]:
    """The art form's settings, and the device and precision they were computed with."""
    from dreamcli.art.forms import settings_from_json

    values = dict(record.job.settings)
    try:
        was = {name: str(values.pop(name)) for name in ("device", "precision")}
        return settings_from_json(record.job.command, values), was
    except (TypeError, KeyError, ValueError, AttributeError, WrongRequest) as error:
        version = record.versions.get("dreamcli")
        raise DreamcliError(f"{picture} was made by dreamcli {version}, with settings unknown here") from error


def _target(picture: Path, output: str | None, source: Path | None, others: dict[str, Path]) -> Path:
    """Where the new picture goes: in the same format, so that the two can be compared, and over none of these."""
    from dreamcli.files.plan import refuse_overwriting
    from dreamcli.files.writing import FORMATS, check_place

    suffix = picture.suffix if picture.suffix.lower() in FORMATS else ".png"
    target = Path(output or f"{picture.stem}-replay{suffix}")
    if output and (target.is_dir() or output.endswith("/")):
        target = target / f"{picture.stem}{suffix}"
    if target.suffix.lower() != suffix.lower():
        raise WrongRequest(f"-o {output} must end in {suffix}, as {picture} does, or be a folder")
    inputs = [("an input", source)] if source else []
    roles = ((f"the {role}", path) for role, path in others.items())
    refuse_overwriting([target], [("the picture itself", picture), *inputs, *roles])
    check_place(target)
    return target


def _others(picture: Path, record: Record, moved: tuple[str, ...], *, masks: bool = True) -> dict[str, Path]:
    """Where the pictures are that it was made from beside the photograph, by role."""
    places = {}
    for text in moved:
        role, equals, path = text.partition("=")
        if not equals or role not in record.job.others:
            roles = ", ".join(record.job.others) or "none"
            raise WrongRequest(f"--other {text} is not of the form ROLE=PATH; the roles of this picture are: {roles}")
        places[role] = Path(path)
    return {
        role: _find(picture, record.other_sources[role], digest, places.get(role), f"--other {role}=")
        for role, digest in record.job.others.items()
        if masks or "mask" not in role
    }


def _find(picture: Path, typed: str, digest: str, given: Path | None, option: str) -> Path:
    """Find a file that a picture was made from, and make sure that it is the one."""
    if not typed:
        raise DreamcliError(
            f"{picture} was made in Python from a picture in memory, so from files it can't be made again"
        )
    name = Path(typed)
    places = [given] if given else [name, picture.parent / name, picture.parent / name.name]
    for place in places:
        if place.is_file() and sha256(place.read_bytes()).hexdigest() == digest:
            return place
    if given:
        raise DreamcliError(f"{given} is not the photograph that {picture} was made from (another SHA-256, or no file)")
    raise DreamcliError(f"the photograph {name} that {picture} was made from is not here; say where with {option}PATH")


def _difference(old: Picture, was: Record, new: Picture, now: Record) -> str:
    """Why two pictures are not the same; empty if they are."""
    import numpy as np

    if np.array_equal(old.pixels, new.pixels):
        return ""
    for setting, word in (("device", "on"), ("precision", "in")):
        before, after = was.job.settings[setting], now.job.settings[setting]
        if before != after:
            return f"not the same: it was made {word} {before}, this {word} {after}"
    if now.versions != was.versions:
        return f"not the same: it was made with {_versions(was)}, this with {_versions(now)}"
    return "not the same: it was made on another machine, or edited since"


def _versions(record: Record) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(record.versions.items()))
