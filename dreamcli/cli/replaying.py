"""Find what a picture was made from, make it again, and compare the two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dreamcli.errors import DreamcliError, WrongRequest, check
from dreamcli.files.atomic import check_place
from dreamcli.files.clip import is_video, read_clip
from dreamcli.files.decoder import Decoder, reader
from dreamcli.files.film import holds_film, read_film
from dreamcli.files.formats import FILMS, WRITTEN
from dreamcli.files.identity import file_sha256
from dreamcli.files.plan import refuse_overwriting
from dreamcli.files.reading import Picture, read_picture
from dreamcli.files.record import Record
from dreamcli.files.resume import look_at, record_in, refuse_others
from dreamcli.files.writing import write_picture
from dreamcli.networks.catalog import NO_JUDGE, is_listed, is_own
from dreamcli.networks.model_spec import ModelSpec, parse_models
from dreamcli.settings.base import Settings
from dreamcli.settings.film import FilmSettings
from dreamcli.settings.forms import form_named
from dreamcli.settings.references import References
from dreamcli.studio.batch import Outcome, recorded_name
from dreamcli.studio.pictures import ReadInput, read_file

from .options import SharedOptions
from .replay import ReplayOptions
from .report import Report, bars
from .runner import open_session
from .save_preset import save_preset

if TYPE_CHECKING:
    from dreamcli.studio.session import Session


def replay_picture(options: ReplayOptions, preset: str | None = None) -> int:
    """Make a picture again, or save its settings as a preset; report it, and return the exit code."""
    record = _record_of(options)
    report = Report("replay", options)
    outcome = _save_settings(preset, options, record) if preset else _make_again(options, record)
    report.add(outcome)
    report.close()
    return 0 if outcome.details.get("identical", True) else 1


def _save_settings(name: str, options: ReplayOptions, record: Record) -> Outcome:
    settings, weights, _ = _settings_of(options.picture, record)
    with _blamed_on(options):
        parse_models(record.provenance.network["name"])
    without_masks = {role: digest for role, digest in record.provenance.others.items() if "mask" not in role}
    references = References.from_roles(_find_references(options, record, without_masks), weights)
    place = save_preset(name, options, record, settings, references)
    return Outcome("planned" if options.dry_run else "done", str(options.picture), str(place))


def _make_again(options: ReplayOptions, record: Record) -> Outcome:
    picture = options.picture
    if _is_of_film(record):
        return _film_again(options, record)
    if holds_film(picture):
        raise DreamcliError(f"{picture} is an animation; name the picture itself")
    read = Decoder().read if options.safe_decode else partial(read_picture, limited=False)
    old = read(picture)
    source, others, target = _places(options, record)
    if options.dry_run:
        return Outcome("planned", str(source or "noise"), str(target), details={"record": record.to_dict()})
    now = _write_again(options, record, source, others, target)
    difference = _difference(old, record, read(target), now)
    message = difference or f"identical to {picture}"
    return Outcome("done", str(source or "noise"), str(target), message, details={"identical": not difference})


def _is_of_film(record: Record) -> bool:
    """Whether a record is that of a film, or of a frame of one."""
    form = form_named(record.provenance.command)
    is_frame = form.takes_videos and "index" in record.provenance.settings
    is_film = record.provenance.command == FilmSettings.command or is_video(Path(record.source))
    return is_film or is_frame or "frames" in record.score


def _film_again(options: ReplayOptions, record: Record) -> Outcome:
    """Make a film again, and compare the files."""
    old = options.picture
    if old.suffix.lower() not in FILMS:
        raise DreamcliError(f"{old} is a frame of a film; name the film")
    source, others, target = _places(options, record)
    if source is None:
        raise DreamcliError(f"{old} doesn't say what it was made from")
    if options.dry_run:
        return Outcome("planned", str(source), str(target), details={"record": record.to_dict()})
    session, references, settings = _session_again(options, record, others)
    read = reader(options.safe_decode)
    is_zoom = isinstance(settings, FilmSettings)
    found = read_file(source, recorded_name(source), read) if is_zoom else read_clip(source)
    film = session.film(found, settings, references, target, options.overwrite)
    if not film.is_made():
        with bars(1, hidden=options.quiet or options.as_json) as shown:
            if film.make(shown.begin(target.name)) == "interrupted":
                raise KeyboardInterrupt
    identical = old.read_bytes() == target.read_bytes()
    if not identical:  # their records may name other places
        pairs = zip_longest(read_film(old), read_film(target))
        identical = all(np.array_equal(*pair) for pair in pairs)
    message = f"identical to {old}" if identical else f"differs from {old}"
    return Outcome("done", str(source), str(target), message, details={"identical": identical})


def _places(options: ReplayOptions, record: Record) -> tuple[Path | None, dict[str, Path], Path]:
    """Where the input and the other pictures are, and where the new one goes."""
    source = None
    if record.provenance.input:
        source = _find(options.picture, "photograph", record.source, record.provenance.input, options.given, "--input ")
    others = _find_references(options, record, record.provenance.others)
    return source, others, _target(options, source, others)


def _write_again(
    options: ReplayOptions, record: Record, source: Path | None, others: Mapping[str, Path], target: Path
) -> Record:
    """Make the picture as it was made, write it, and return its new record."""
    session, references, settings = _session_again(options, record, others)
    start = read_file(source, recorded_name(source), reader(options.safe_decode)) if source else None
    index = getattr(settings, "index", 0)  # where one job makes several pictures
    jobs = session.jobs(settings, start.picture if start else None, references)
    if not options.overwrite:
        refuse_others(target, look_at(target), jobs[index])
    with bars(1, hidden=options.quiet or options.as_json) as shown, _blamed_on(options):
        on_step = shown.begin(options.picture.name)
        result = session.make(settings, start, references, on_step, jobs)[index]
    if result.record.stopped == "interrupted":
        raise KeyboardInterrupt
    write_picture(target, result.picture, result.record)
    return result.record


def _session_again(
    options: ReplayOptions, record: Record, others: Mapping[str, Path]
) -> tuple[Session, References[ReadInput], Settings]:
    """Open the networks that it was made by, with the references and the settings."""
    settings, weights, was = _settings_of(options.picture, record)
    model, judge = _models(options, record)
    shared = SharedOptions(
        model=model,
        weights=options.weights,
        device=options.device or was["device"],
        precision=options.precision or was["precision"],
        as_json=options.as_json,
        verbose=options.verbose,
        judge=judge,
        references=References.from_roles(others, weights),
        safe_decode=options.safe_decode,
    )
    with _blamed_on(options):
        session, references = open_session(shared)
        session.check(settings, references)
    _check_weights(options.picture, record, shared, session, settings)
    return session, references, settings


@contextmanager
def _blamed_on(options: ReplayOptions) -> Iterator[None]:
    """Say that a wrong request is the record's, unless the command line asked for another network or device."""
    try:
        yield
    except WrongRequest as error:
        if options.model or options.judge or options.device or options.precision:
            raise
        raise DreamcliError(f"{options.picture} can't be made again: {error}", error.hint) from error


def _models(options: ReplayOptions, record: Record) -> tuple[str, str]:
    """The networks and the judge. Networks of the user's own must be named again, since their code is run."""
    name, judge_name = record.provenance.network["name"], record.provenance.judge.get("name")
    with _blamed_on(options):
        specs = parse_models(name)
    _check_known(options.picture, specs)
    if options.model:
        _check_models(options, name, specs)
        name = options.model
    elif any(is_own(spec.name) for spec in specs):
        own = "+".join(f"{spec.name}=FILE" if is_own(spec.name) else spec.name for spec in specs)
        again = f"{name} --weights FILE" if len(specs) == 1 else own
        raise DreamcliError(f"{options.picture} was made with your own network; name it with --model {again}")
    if not record.provenance.judge_chooses:
        witness = record.witness
        is_known = witness and not is_own(witness) and "=" not in witness  # a record names no file that is read
        return name, options.judge or (witness if is_known else NO_JUDGE)
    if is_own(judge_name or "") and not options.judge:
        raise DreamcliError(
            f"{options.picture} was judged by your own network; name it with --judge FILE.py:CLASS=WEIGHTS"
        )
    return name, options.judge or judge_name or NO_JUDGE


def _check_known(picture: Path, specs: tuple[ModelSpec, ...]) -> None:
    """Refuse networks that no name leads to: modules that a session in Python was given."""
    for spec in specs:
        if not is_own(spec.name) and not is_listed(spec.name):
            raise DreamcliError(
                f"{picture} was made by {spec.name}, which isn't known here: a module in Python, or a package's network"
            )


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


def _check_weights(picture: Path, record: Record, shared: SharedOptions, session: Session, settings: Settings) -> None:
    """Refuse weights that the picture wasn't made with. The code of your own network may have changed."""
    ensemble, chooser = session.ensemble(type(settings)), session.chooser(settings)
    if _changed(record, ensemble.weights_sha256, "weights"):
        how = "--weights" if len(ensemble.networks) == 1 else "--model NAME=FILE+..."
        raise DreamcliError(f"{picture} was made with different weights for {shared.model}; give them with {how}")
    if chooser and chooser.weights_sha256 != record.provenance.judge["sha256"]:
        raise DreamcliError(
            f"{picture} was judged with different weights for {shared.judge}; give them with --judge MODEL=FILE"
        )


def _changed(record: Record, now: str, part: str) -> str:
    """The networks whose "weights" or "code" aren't those that a picture was made with, given the SHA-256 of all."""
    names = [spec.name for spec in parse_models(record.provenance.network["name"])]
    parts = [(name, each) for name in names for each in ("weights", "code")[: 1 + is_own(name)]]
    pairs = zip_longest(record.provenance.network["sha256"].split("+"), now.split("+"))
    found = [name for (name, each), (one, other) in zip(parts, pairs, strict=False) if each == part and one != other]
    return " and ".join(found)


def _record_of(options: ReplayOptions) -> Record:
    """Read the picture's record; refuse one that can't be replayed, and networks that it doesn't name."""
    picture = options.picture
    record = record_in(picture)
    if record is None:
        raise DreamcliError(f"{picture} carries no record: it was not made by dreamcli, or has been edited since")
    if record.stopped == "interrupted":
        raise DreamcliError(f"{picture} was interrupted, so it can't be replayed; finish it with its own command")
    try:
        form_named(record.provenance.command)
    except KeyError as error:
        command = record.provenance.command
        raise DreamcliError(f"{picture} was made by the command {command}, which isn't installed here") from error
    name = record.provenance.network["name"]
    if options.model and is_listed(name):
        raise WrongRequest(f"{picture} was made by {name}, not by a network of yours: leave out --model")
    if options.judge and not record.provenance.judge:
        raise WrongRequest(f"{picture} was made without a judge: leave out --judge")
    return record


def _settings_of(picture: Path, record: Record) -> tuple[Settings, tuple[float, ...], dict[str, str]]:
    """The settings, the styles' weights, and the device and precision they were computed with."""
    values = record.provenance.settings
    try:
        was = {name: str(values[name]) for name in ("device", "precision")}
        weights = tuple(float(weight) for weight in values.get("weights", ()))
        References.from_roles(record.provenance.others, weights)  # checks them
        return record.provenance.form_settings(), weights, was
    except (TypeError, KeyError, ValueError, AttributeError, WrongRequest) as error:
        version = record.versions.get("dreamcli")
        raise DreamcliError(f"{picture} was made by dreamcli {version}, whose settings are unknown here") from error


def _target(options: ReplayOptions, source: Path | None, others: Mapping[str, Path]) -> Path:
    """Where the new picture goes: in the same format, so that the two can be compared, and not over an input."""
    picture, output = options.picture, options.output
    suffix = picture.suffix if picture.suffix.lower() in (*WRITTEN, *FILMS) else ".png"
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
    # records that we write hold no absolute paths
    places = [given] if given else [near] if name.is_absolute() else [name, picture.parent / name, near]
    for place in places:
        if place.is_file() and file_sha256(place) == digest:
            return place
    if given:
        problem = "another SHA-256" if given.is_file() else "there is no such file"
        raise DreamcliError(f"{given} is not the {role} that {picture} was made from ({problem})")
    raise DreamcliError(f"the {role} {name} that {picture} was made from is not here; say where with {option}PATH")


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
