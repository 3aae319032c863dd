"""Make a picture again from its record, and compare the two."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import zip_longest
from pathlib import Path

import click
import numpy as np

from dreamcli import forms
from dreamcli.errors import DreamcliError, Hint, WrongRequest, check
from dreamcli.files.atomic import check_place
from dreamcli.files.clip import is_video
from dreamcli.files.decoder import Decoder, reader
from dreamcli.files.film import holds_film, read_film
from dreamcli.files.formats import FILMS, WRITTEN
from dreamcli.files.identity import file_sha256
from dreamcli.files.plan import Task, refuse_overwriting
from dreamcli.files.presets import preset_place, write_preset
from dreamcli.files.reading import Picture, read_picture
from dreamcli.files.record import Record
from dreamcli.files.resume import record_in
from dreamcli.networks.model_spec import ModelSpec, parse_models
from dreamcli.networks.registry import NO_JUDGE, is_listed, is_own, listing
from dreamcli.settings.base import Settings
from dreamcli.settings.references import References
from dreamcli.settings.setup import Setup
from dreamcli.studio.batch import Outcome, PictureMaker
from dreamcli.studio.pictures import read_file
from dreamcli.studio.request import OpenSession, Request, open_session

from .options import ReplayOptions
from .preset_option import own_folder
from .report import Report, bars
from .terminal import hidden_bars, is_terminal


def replay_picture(options: ReplayOptions, preset: str | None = None) -> int:
    """Make a picture again, or save its settings as a preset; report it, and return the exit code."""
    record = _record_of(options)
    report = Report("replay", options)
    outcome = _make_again(options, record) if preset is None else _save_preset(preset, options, record)
    report.add(outcome)
    report.close()
    return 0 if outcome.details.get("identical", True) else 1


def _record_of(options: ReplayOptions) -> Record:
    """Read the picture's record; refuse one that can't be replayed, and networks that it doesn't name."""
    picture = options.picture
    record = (Decoder().record if options.safe_decode else record_in)(picture)
    if record is None:
        raise DreamcliError(f"{picture} carries no record: it was not made by dreamcli, or has been edited since")
    if record.stopped == "interrupted":
        raise DreamcliError(f"{picture} was interrupted, so it can't be replayed; finish it with its own command")
    try:
        forms.settings_class(record.provenance.command)
    except KeyError as error:
        command = record.provenance.command
        raise DreamcliError(f"{picture} was made by the command {command}, which isn't installed here") from error
    name = record.provenance.network["name"]
    if options.model and is_listed(name):
        raise WrongRequest(f"{picture} was made by {name}, not by a network of yours: leave out --model")
    if options.judge and not record.provenance.judge:
        raise WrongRequest(f"{picture} was made without a judge: leave out --judge")
    return record


def _settings_of(picture: Path, record: Record) -> tuple[Settings, tuple[float, ...]]:
    """The settings, and the styles' weights."""
    values = record.provenance.settings
    try:
        _ = str(values["device"]), str(values["precision"])
        weights = tuple(float(weight) for weight in values.get("weights", ()))
        References.from_roles(record.provenance.others, weights)  # checks them
        return record.provenance.form_settings(), weights
    except (TypeError, KeyError, ValueError, AttributeError, WrongRequest) as error:
        version = record.versions.get("dreamcli")
        raise DreamcliError(f"{picture} was made by dreamcli {version}, whose settings are unknown here") from error


def _save_preset(name: str, options: ReplayOptions, record: Record) -> Outcome:
    """Save what a picture was made with, where it isn't the default."""
    settings, weights = _settings_of(options.picture, record)
    with _blamed_on(options):
        parse_models(record.provenance.network["name"])
    without_masks = {role: digest for role, digest in record.provenance.others.items() if "mask" not in role}
    request = Request(
        settings=settings,
        setup=Setup(model=record.provenance.network["name"]),
        start=Path(record.source) if record.provenance.input else None,
        references=References.from_roles(_find_references(options, record, without_masks), weights),
    )
    # its pictures are of eight channels each, but its command draws whole layers
    check(settings.command != "microscope", "a picture of an atlas makes no preset")
    place = preset_place(name, own_folder(), options.overwrite)
    if not options.dry_run:
        write_preset(place, f"As {options.picture.name}", settings.command, request.preset())
    return Outcome("planned" if options.dry_run else "done", str(options.picture), str(place))


def _make_again(options: ReplayOptions, record: Record) -> Outcome:
    """Make a picture or a film again, and compare it with the one that there is."""
    picture, is_film = options.picture, _is_of_film(record)
    if is_film and picture.suffix.lower() not in FILMS:
        raise DreamcliError(f"{picture} is a frame of a film; name the film")
    if not is_film and holds_film(picture):
        raise DreamcliError(f"{picture} is an animation; name the picture itself")
    read = Decoder().read if options.safe_decode else partial(read_picture, limited=False)
    old = None if is_film else read(picture)
    request = _request_of(options, record)
    target = _target(options, request)
    source = str(request.start or "noise")
    if is_film and request.start is None:
        raise DreamcliError(f"{picture} doesn't say what it was made from")
    if options.dry_run:
        return Outcome("planned", source, str(target), details={"record": record.to_dict()})
    # where one task makes several pictures
    only = getattr(request.settings, "index", 0) if request.settings.output_count > 1 else None
    task = Task(request.start, target, request.settings, is_film=is_film, only=only, name=picture.name)
    made = _made(options, record, request, task)
    if old is None:
        message = f"{'identical to' if _same_film(picture, target) else 'differs from'} {picture}"
    else:
        assert made.result
        message = _difference(old, record, read(target), made.result.record) or f"identical to {picture}"
    is_identical = message.startswith("identical")
    return Outcome("done", source, str(target), message, details={"identical": is_identical})


def _is_of_film(record: Record) -> bool:
    """Whether a record is that of a film, or of a frame of one."""
    form = forms.settings_class(record.provenance.command)
    is_frame = form.takes_videos and "index" in record.provenance.settings
    return form.makes_films or is_video(Path(record.source)) or is_frame or "frames" in record.score


def _request_of(options: ReplayOptions, record: Record) -> Request:
    """What was asked for, with the files where they are now."""
    settings, weights = _settings_of(options.picture, record)
    start = None
    if record.provenance.input:
        start = _find(options.picture, "photograph", record.source, record.provenance.input, options.given, "--input ")
    others = _find_references(options, record, record.provenance.others)
    model, judge = _models(options, record)
    setup = Setup(
        model=model,
        weights=options.weights,
        judge=judge,
        device=options.device or record.provenance.settings["device"],
        precision=options.precision or record.provenance.settings["precision"],
    )
    return Request(settings=settings, setup=setup, start=start, references=References.from_roles(others, weights))


def _made(options: ReplayOptions, record: Record, request: Request, task: Task) -> Outcome:
    """Make a picture as it was made, and write it."""
    read = reader(options.safe_decode)
    _allow_downloads(options, request)
    with _blamed_on(options), hidden_bars():
        opened = open_session(request.setup, request.references, read)
        opened[0].check(request.settings, opened[1])
    _check_weights(options.picture, record, request, opened)
    maker = PictureMaker(
        open_session=lambda: opened,
        overwrite=options.overwrite,
        remake=not task.is_film,
        read=lambda path: read_file(path, path.name, read).picture,
    )
    outcomes: list[Outcome] = []
    with bars(1, hidden=options.quiet or options.as_json) as shown, _blamed_on(options):
        finished = maker.run([task], outcomes.extend, shown.begin)
        for outcome in outcomes:
            if outcome.error:
                raise outcome.error
    if not finished:
        raise KeyboardInterrupt
    return outcomes[0]


@contextmanager
def _blamed_on(options: ReplayOptions) -> Iterator[None]:
    """Blame a wrong request on the record, unless the command line names another network or device."""
    try:
        yield
    except WrongRequest as error:
        if options.model or options.judge or options.device or options.precision:
            raise
        raise DreamcliError(f"{options.picture} can't be made again: {error}", error.hint) from error


def _models(options: ReplayOptions, record: Record) -> tuple[str, str]:
    """The networks and the judge. Networks of the user's own must be named again, since their code is run."""
    picture, name, judge = options.picture, record.provenance.network["name"], record.provenance.judge.get("name")
    with _blamed_on(options):
        specs = parse_models(name)
    if any(spec.weights for spec in specs) or "=" in (judge or ""):
        raise DreamcliError(f"{picture} names a file of weights in its record, as none of dreamcli's does")
    for spec in specs:
        if not is_own(spec.name) and not is_listed(spec.name):
            problem = f"{spec.name}, which isn't known here: a module in Python, or a package's network"
            raise DreamcliError(f"{picture} was made by {problem}")
    if options.model:
        _check_models(options, name, specs)
        name = options.model
    elif any(is_own(spec.name) for spec in specs):
        own = "+".join(f"{spec.name}=FILE" if is_own(spec.name) else spec.name for spec in specs)
        again = f"{name} --weights FILE" if len(specs) == 1 else own
        raise DreamcliError(f"{picture} was made with your own network; name it with --model {again}")
    if not record.provenance.judge_chooses:
        is_known = is_listed(record.witness) and listing(record.witness).is_here  # it isn't worth a download
        return name, options.judge or (record.witness if is_known else NO_JUDGE)
    if is_own(judge or "") and not options.judge:
        raise DreamcliError(f"{picture} was judged by your own network; name it with --judge FILE.py:CLASS=WEIGHTS")
    return name, options.judge or judge or NO_JUDGE


def _allow_downloads(options: ReplayOptions, request: Request) -> None:
    """Ask before weights are downloaded that a record names, unless they were allowed to be.

    Raises:
        DreamcliError: there is nobody to ask.
    """
    named = [] if options.model or options.weights else [request.setup.model]
    if not options.judge and request.setup.judge and request.setup.judge != NO_JUDGE:
        named.append(request.setup.judge)
    names = [spec.name for text in named for spec in parse_models(text) if not is_own(spec.name)]
    missing = [each for each in map(listing, names) if not each.is_here]
    if options.download or not missing:
        return
    text = " and ".join(f"{each.name} ({each.megabytes:.0f} MB)" for each in missing)
    problem = f"{options.picture} was made with {text}, whose weights aren't here"
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise DreamcliError(problem, Hint.DOWNLOAD)
    click.confirm(f"{problem}. Download them?", abort=True, err=True)


def _check_models(options: ReplayOptions, name: str, specs: tuple[ModelSpec, ...]) -> None:
    """Refuse networks that the picture wasn't made by; only the files of the user's own may have moved."""
    typed = parse_models(str(options.model))
    same = len(typed) == len(specs) and all(
        now.weight == was.weight and (now.name == was.name or _same_class(now.name, was.name))
        for now, was in zip(typed, specs, strict=True)
    )
    check(same, f"{options.picture} was made by {name}, not by {options.model}")


def _same_class(now: str, was: str) -> bool:
    return is_own(now) and is_own(was) and now.rpartition(":")[2] == was.rpartition(":")[2]


def _check_weights(picture: Path, record: Record, request: Request, opened: OpenSession) -> None:
    """Refuse weights that the picture wasn't made with. The code of your own network may have changed."""
    session, setup = opened[0], request.setup
    ensemble, judge = session.ensemble(type(request.settings)), session.judge(request.settings)
    if _changed(record, ensemble.weights_sha256, "weights"):
        how = "--weights" if len(ensemble.networks) == 1 else "--model NAME=FILE+..."
        raise DreamcliError(f"{picture} was made with different weights for {setup.model}; give them with {how}")
    if judge and judge.weights_sha256 != record.provenance.judge["sha256"]:
        raise DreamcliError(
            f"{picture} was judged with different weights for {setup.judge}; give them with --judge MODEL=FILE"
        )


def _changed(record: Record, now: str, part: str) -> str:
    """The networks whose "weights" or "code" aren't those that a picture was made with, given the SHA-256 of all."""
    names = [spec.name for spec in parse_models(record.provenance.network["name"])]
    parts = [(name, each) for name in names for each in ("weights", "code")[: 1 + is_own(name)]]
    pairs = zip_longest(record.provenance.network["sha256"].split("+"), now.split("+"))
    found = [name for (name, each), (one, other) in zip(parts, pairs, strict=False) if each == part and one != other]
    return " and ".join(found)


def _target(options: ReplayOptions, request: Request) -> Path:
    """Where the new picture goes: in the same format, to be compared with the old one, and not over an input."""
    picture, output = options.picture, options.output
    suffix = picture.suffix if picture.suffix.lower() in (*WRITTEN, *FILMS) else ".png"
    target = Path(output or f"{picture.stem}-replay{suffix}")
    if output and (target.is_dir() or output.endswith("/")):
        target = target / f"{picture.stem}{suffix}"
    if target.suffix.lower() != suffix.lower():
        raise WrongRequest(f"-o {output} must end in {suffix}, as {picture} does, or be a folder")
    inputs = [("an input", request.start)] if request.start else []
    roles = ((f"the {role}", path) for role, path in request.references.by_role().items())
    refuse_overwriting([target], [("the picture itself", picture), *inputs, *roles])
    check_place(target)
    return target


def _find_references(options: ReplayOptions, record: Record, wanted: Mapping[str, str]) -> dict[str, Path]:
    """Find the pictures that it was made from besides the photograph, by role, from their digests."""
    places = {}
    for text in options.moved:
        role, equals, path = text.partition("=")
        if not equals or role not in record.provenance.others:
            roles = ", ".join(record.provenance.others) or "none"
            raise WrongRequest(f"--other {text} is not of the form ROLE=PATH; this picture's roles are: {roles}")
        places[role] = Path(path)
    return {
        role: _find(options.picture, role, record.other_sources[role], digest, places.get(role), f"--other {role}=")
        for role, digest in wanted.items()
    }


def _find(picture: Path, role: str, typed: str, digest: str, given: Path | None, option: str) -> Path:
    """Find a file that a picture was made from, and make sure that it is the same file."""
    if not typed:
        raise DreamcliError(f"{picture} was made in Python from a picture in memory, so it can't be made from files")
    name = Path(typed)
    near = picture.parent / name.name
    # a record leads to no place above this folder, or the picture's; ours hold no absolute paths
    is_inside = not name.is_absolute() and ".." not in name.parts
    places = [given] if given else [name, picture.parent / name, near] if is_inside else [near]
    for place in places:
        if os.path.isfile(place) and file_sha256(place) == digest:
            return place
    if given:
        problem = "another SHA-256" if given.is_file() else "there is no such file"
        raise DreamcliError(f"{given} is not the {role} that {picture} was made from ({problem})")
    raise DreamcliError(f"the {role} {name} that {picture} was made from is not here; say where with {option}PATH")


def _same_film(old: Path, new: Path) -> bool:
    if file_sha256(old) == file_sha256(new):
        return True
    # their records may name other places
    return all(np.array_equal(*pair) for pair in zip_longest(read_film(old), read_film(new)))


def _difference(old: Picture, was: Record, new: Picture, now: Record) -> str:
    """Why two pictures are not the same; empty if they are."""
    if np.array_equal(old.pixels, new.pixels):
        return ""
    for setting, word in (("device", "on"), ("precision", "in")):
        before, after = was.provenance.settings[setting], now.provenance.settings[setting]
        if before != after:
            return f"not the same: it was made {word} {before}, this {word} {after}"
    if changed := _changed(was, now.provenance.network["sha256"], "code"):
        return f"not the same: the code of {changed} has changed since"
    if now.versions != was.versions:
        return f"not the same: it was made with {_versions(was)}, this with {_versions(now)}"
    return "not the same: it was made on another machine or with other threads, or has been edited since"


def _versions(record: Record) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(record.versions.items()))
