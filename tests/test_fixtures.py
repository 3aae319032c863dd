"""Outputs of version 0.1 are read, understood and made again, for good."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from dreamcli.__main__ import main
from dreamcli.files.record import Record, read_record
from dreamcli.forms import settings_from_json

FOLDER = Path(__file__).resolve().parent / "fixtures" / "v0.1"
PICTURES = (
    "dream.png",
    "dream-clear.webp",
    "dream-neuron.jpg",
    "dream-guide.png",
    "dream-noise.png",
    "class.png",
    "class-mix-1.jpg",
    "class-mix-2.jpg",
    "class-photo.png",
    "class-digit.png",
    "boost-channels.webp",
    "boost-neuron.png",
    "boost-photo.jpg",
    "style-masks.png",
    "style-fine-coarse.webp",
    "style-twelve.png",
    "style-texture.jpg",
    "features.png",
    "filters.png",
    "filters-edge.jpg",
)
ANIMATION = "dream-noise.gif"
OF_EACH_FORM = {
    "dream": "dream-guide.png",
    "class": "class-mix-2.jpg",
    "boost": "boost-neuron.png",
    "style": "style-masks.png",
    "features": "features.png",
    "filters": "filters.png",
}
# on another processor the last bits of a sum differ, and with them a few levels of 255
MEAN, MEAN_OF_JPEG, LEVELS, SHARE = 1.0, 2.0, 4, 0.99

SHARED_FIELDS = ("device", "precision")
SCHEDULE_FIELDS = ("size", "steps", "octaves", "octave_scale", "strength", "jitter", "seed")
VISUALIZATION_FIELDS = (
    *("minimize", "parameterization", "color", "turn", "zoom", "noise", "crop", "tv", "l2", "prior", "blur"),
    *("count", "diversity", "index", "sheet", "best_of", *SCHEDULE_FIELDS, *SHARED_FIELDS),
)
# every field of a record, and of the settings by their command, as version 0.1 wrote them
OLD_FIELDS: dict[str, tuple[str, ...]] = {
    "record": ("job", "source", "versions", "score", "stopped", "other_sources", "notes"),
    "job": ("command", "settings", "network", "input", "others", "judge"),
    "network": ("name", "sha256"),
    "versions": ("dreamcli", "torch"),
    "dream": ("layers", "minimize", "color", *SCHEDULE_FIELDS, *SHARED_FIELDS),
    "class": ("classes", *VISUALIZATION_FIELDS),
    "boost": ("layers", *VISUALIZATION_FIELDS),
    "style": (
        *("weights", "layers", "content", "statistics", "tv", "optimizer", "colors", "style_scale", "seamless"),
        *(*SCHEDULE_FIELDS, *SHARED_FIELDS),
    ),
    "features": ("layers", "channels", "top", "scale", "colormap", "overlay", "size", *SHARED_FIELDS),
    "filters": ("layers", "top", "colormap", "apply", "size", *SHARED_FIELDS),
}


def rebuilt(record: Record) -> dict[str, Any]:
    """A record's settings, read into their class and turned to JSON again, without those added since."""
    values = values_of(record)
    again = settings_from_json(record.provenance.command, values).to_json()
    return {name: value for name, value in again.items() if name in values}


def values_of(record: Record) -> dict[str, Any]:
    """What a record holds of an art form's own settings; the weights of styles go with their pictures."""
    elsewhere = (*SHARED_FIELDS, *(["weights"] if record.provenance.command == "style" else []))
    return {name: value for name, value in record.provenance.settings.items() if name not in elsewhere}


def as_json(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def stored(path: Path) -> str:
    """The text of a record as it is in the file, read without dreamcli."""
    with Image.open(path) as image:
        if image.format == "PNG":
            return str(image.info["dreamcli"])
        if image.format == "GIF":
            return str(image.info["comment"].decode("ascii"))
        comment = image.getexif().get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment]
        return str(comment.removeprefix(b"ASCII\0\0\0").decode("ascii"))


def fields_of(text: str) -> dict[str, set[str]]:
    """The names of the fields of a record, in the form of OLD_FIELDS."""
    record = json.loads(text)
    job = record["job"]
    parts = {"record": record, "job": job, "network": job["network"], "versions": record["versions"]}
    return {name: set(part) for name, part in (parts | {job["command"]: job["settings"]}).items()}


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Path]]:
    """Gives a fixture's replay, made when it is asked for first."""
    folder = tmp_path_factory.mktemp("replayed")
    with pytest.MonkeyPatch.context() as patch:
        for variable in [name for name in os.environ if name.startswith("DREAMCLI_")]:
            patch.delenv(variable)

        @cache
        def make(name: str) -> Path:
            # not identical, which another processor can't be, is 1
            assert main(["replay", str(FOLDER / name), "-o", str(folder / name)]) in (0, 1)
            assert (folder / name).is_file()
            return folder / name

        yield make


def test_every_output_is_tried() -> None:
    commands = (FOLDER / "README.md").read_text()
    made = {path.name for path in FOLDER.iterdir() if path.stem.split("-")[0] in OF_EACH_FORM}
    assert made == {*PICTURES, ANIMATION}
    assert all(name in commands for name in made if not name.startswith("class-mix"))


@pytest.mark.parametrize("name", [*PICTURES, ANIMATION])
def test_a_record_is_read_and_written_as_it_was(name: str) -> None:
    record = read_record(FOLDER / name)
    assert record is not None
    assert record.to_json() == stored(FOLDER / name)


@pytest.mark.parametrize("name", [*PICTURES, ANIMATION])
def test_the_settings_of_a_record_are_understood(name: str) -> None:
    record = read_record(FOLDER / name)
    assert record is not None
    assert as_json(rebuilt(record)) == as_json(values_of(record))


@pytest.mark.parametrize("name", PICTURES)
def test_replay_makes_the_same_picture(name: str, replayed: Callable[[str], Path]) -> None:
    with Image.open(FOLDER / name) as old, Image.open(replayed(name)) as new:
        assert (new.format, new.mode, new.size) == (old.format, old.mode, old.size)
        change = np.abs(np.asarray(new).astype(int) - np.asarray(old).astype(int))
    assert change.mean() <= (MEAN_OF_JPEG if name.endswith("jpg") else MEAN)
    assert (change <= LEVELS).mean() >= SHARE


@pytest.mark.parametrize("name", PICTURES)
def test_replay_says_the_same_of_it(name: str, replayed: Callable[[str], Path]) -> None:
    old, new = json.loads(stored(FOLDER / name)), json.loads(stored(replayed(name)))
    if not (old["job"]["command"] == "class" and old["job"]["settings"]["best_of"] > 1):
        old["job"]["judge"] = {}  # version 0.1 named judges that didn't choose, too
    assert {field: new["job"][field] for field in old["job"] if field != "settings"} == {
        field: value for field, value in old["job"].items() if field != "settings"
    }
    settings = new["job"]["settings"]
    assert {field: settings.get(field) for field in old["job"]["settings"]} == old["job"]["settings"]
    assert (new["stopped"], new["notes"]) == (old["stopped"], old["notes"])
    # what a judge sees used to be under its role
    assert new["score"].keys() - {"seen_by"} == old["score"].keys() - {"judge"}
    assert new["other_sources"].keys() == old["other_sources"].keys()


@pytest.mark.parametrize(("command", "name"), OF_EACH_FORM.items())
def test_no_field_is_dropped_or_renamed(command: str, name: str, replayed: Callable[[str], Path]) -> None:
    parts = ("record", "job", "network", "versions", command)
    old, new = fields_of(stored(FOLDER / name)), fields_of(stored(replayed(name)))
    assert old == {part: set(OLD_FIELDS[part]) for part in parts}
    for part in parts:
        assert new[part] >= set(OLD_FIELDS[part]), part
