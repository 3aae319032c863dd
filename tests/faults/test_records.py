"""Pictures of strangers, whose records were made to do harm."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import dreamcli
from dreamcli.errors import WrongRequest
from dreamcli.files.record import Provenance, Record, read_record
from dreamcli.settings.spelling import words
from dreamcli.settings.visualization import ClassSettings
from tests.conftest import Outcome, scene

SMALL = ("--size", 40, "--steps", 1, "--octaves", 1)
CODE = "from pathlib import Path\nPath('ran').touch()\n"
DEEP = "[" * 10_000 + "]" * 10_000


RECORD = Record(
    Provenance(
        "class",
        {**ClassSettings(classes=(1, 7), jitter=4).to_json(), "device": "cpu", "precision": "float32"},
        {"name": "dreamnet", "sha256": "0" * 64},
        "1" * 64,
        {"mask": "2" * 64},
        {"name": "efficientnet_lite0", "sha256": "3" * 64},
    ),
    "photo.png",
    {"dreamcli": "1", "torch": "2"},
    {"before": 1.0, "seen_by": {"network": "vgg19_gatys", "top5": [["cat", 0.5]]}},
    other_sources={"mask": "mask.png"},
    notes=("a note",),
)


def places_in(value: object) -> Iterator[tuple[str, ...]]:
    """The ways to each value in groups of values."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (name,)
            for way in places_in(inner):
                yield (name, *way)


RECORD_PLACES = list(places_in(RECORD.to_dict()))


@pytest.fixture(scope="module")
def dreamed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture made of ``photo.png``, in the same folder."""
    folder = tmp_path_factory.mktemp("dreamed")
    Image.fromarray(scene()).save(folder / "photo.png")
    result = dreamcli.dream(folder / "photo.png", model="dreamnet", judge="none", size=40, steps=1, octaves=1)
    result.save(folder / "photo-dream.png")
    return folder / "photo-dream.png"


@pytest.fixture
def made(run: Callable[..., Outcome], dreamed: Path) -> dict[str, Any]:
    """A picture with its record, and files that a hostile record could reach for."""
    for path in dreamed.parent.iterdir():
        shutil.copy(path, path.name)
    Path("net.py").write_text(CODE + "class Net: pass\n")
    os.mkfifo("pipe.png")
    with open("sparse.png", "wb") as file:
        file.truncate(10**12)
    Path("weights.pth").write_bytes(b"\x80\x04cos\nsystem\n(S'touch ran'\ntR.")
    record = read_record(Path("photo-dream.png"))
    assert record is not None
    return record.to_dict()


def hand_over(text: str) -> None:
    """Put a record into a picture, as a stranger would."""
    info = PngInfo()
    info.add_itxt("dreamcli", text)
    Image.new("RGB", (40, 30)).save("theirs.png", pnginfo=info)


def changed(record: dict[str, Any], where: str, value: object) -> str:
    *way, last = where.split(".")
    group = record
    for name in way:
        group = group[name]
    group[last] = value
    return json.dumps(record)


CHANGES = [
    ("job.network.name", "net.py:Net"),
    ("job.network.name", "dreamnet=weights.pth"),
    ("job.network.name", "../../net.py:Net+dreamnet"),
    ("job.network.name", "http://example.com/net"),
    ("job.network.name", "dreamnet\n--model=net.py:Net"),
    ("job.network.name", ""),
    ("job.network.sha256", "0" * 64),
    ("job.judge", {"name": "net.py:Net", "sha256": "0" * 64}),
    ("job.command", "../../x"),
    ("job.command", "microscope"),
    ("job.settings", {}),
    ("job.settings.layers", 5),
    ("job.settings.layers", [["high"]]),
    ("job.settings.layers", ["high"] * 100_000),
    ("job.settings.size", "large"),
    ("job.settings.size", 10**30),
    ("job.settings.size", float("nan")),
    ("job.settings.strength", float("nan")),
    ("job.settings.steps", [1]),
    ("job.settings.steps", True),
    ("job.settings.seed", -1),
    ("job.settings.__class__", "x"),
    ("job.settings.device", "../../x"),
    ("job.input", "0" * 64),
    ("job.others", {"mask": "0" * 64}),
    ("source", "../../../../../../etc/passwd"),
    ("source", "/dev/zero"),
    ("source", "http://example.com/photo.png"),
    ("source", "a\0b"),
    ("source", 7),
    ("source", "../../proc/self/pagemap"),
    ("source", "x" * 50_000),
    ("source", "pipe.png"),
    ("source", "sparse.png"),
    ("job.network.name", "dreamnet=/etc/passwd"),
    ("job.network.name", "resnet50"),
    ("job.settings.steps", 10**9),
    ("job.settings.recipe", 99),
    ("job.settings.layers", [5]),
    ("other_sources", {"guide": 5}),
    ("other_sources", 5),
    ("score", {"seen_by": {"network": "resnet50", "top5": [["cat", 0.5]]}}),
    ("score", {"seen_by": {"network": 7, "top5": 7}}),
    ("score", {"seen_by": {"network": "resnet50", "top5": [[1, "cat"]]}}),
    ("notes", [5]),
    ("stopped", "interrupted"),
]


def digests() -> dict[Path, str]:
    files = (path for path in Path().rglob("*") if path.is_file() and path.stat().st_size < 10**9)
    return {path: sha256(path.read_bytes()).hexdigest() for path in files}


def _refused(*_arguments: object, **_options: object) -> None:
    pytest.fail("it asked the internet")


@pytest.mark.parametrize(("where", "value"), CHANGES, ids=lambda each: str(each)[:30])
@pytest.mark.parametrize("options", [(), ("--save-preset", "theirs")], ids=["replay", "save-preset"])
def test_a_hostile_record_does_nothing(
    run: Callable[..., Outcome],
    made: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    value: object,
    options: tuple[str, ...],
) -> None:
    hand_over(changed(made, where, value))
    monkeypatch.setattr("torch.hub.download_url_to_file", _refused)
    before = digests()
    outcome = run("replay", "theirs.png", *options)
    assert not Path("ran").exists()
    assert "unexpected" not in outcome.err, outcome.err
    assert len(outcome.lines) <= 1
    assert outcome.code in (0, 1)  # the command line isn't wrong
    assert len(outcome.err) < 800
    after = digests()
    new = set(after) - set(before)
    assert all(after[path] == before[path] for path in before)
    if options:
        assert new <= {Path("config/dreamcli/presets/theirs.toml")}
        assert all("net.py" not in path.read_text() for path in new)
    else:
        assert outcome.code or new == {Path("theirs-replay.png")}


@pytest.mark.parametrize(
    "text",
    [DEEP, '{"job": ' + DEEP + "}", '{"job": "' + "x" * 5_000_000 + '"}', "NaN", "\N{FACE WITH TEARS OF JOY}", "{}"],
    ids=["deep", "deep inside", "huge", "nan", "no record", "empty"],
)
def test_what_is_no_record_is_said(run: Callable[..., Outcome], made: dict[str, Any], text: str) -> None:
    hand_over(text)
    for options in ((), ("--save-preset", "theirs")):
        outcome = run("replay", "theirs.png", *options)
        assert outcome.code == 1
        assert len(outcome.lines) == 1
        assert "unexpected" not in outcome.err, outcome.err


def test_an_absolute_path_in_a_record_is_not_followed(
    run: Callable[..., Outcome], made: dict[str, Any], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "secret" / "hidden.png"
    elsewhere.parent.mkdir()
    Path("photo.png").rename(elsewhere)
    hand_over(changed(made, "source", str(elsewhere)))
    outcome = run("replay", "theirs.png")
    assert outcome.code == 1
    assert "is not here; say where with --input PATH" in outcome.err


def test_a_network_is_only_downloaded_if_that_is_allowed(
    run: Callable[..., Outcome], made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError("no connection")

    monkeypatch.setattr("torch.hub.download_url_to_file", fail)
    hand_over(changed(made, "job.network.name", "resnet50"))
    assert (
        "was made with resnet50 (103 MB), whose weights aren't here; allow it with --download"
        in run("replay", "theirs.png").err
    )
    assert "could not be downloaded (no connection)" in run("replay", "theirs.png", "--download").err


def test_a_climbing_path_in_a_record_leads_next_to_the_picture(
    run: Callable[..., Outcome], made: dict[str, Any], tmp_path: Path
) -> None:
    hand_over(changed(made, "source", "../secret/photo.png"))
    Path("photo.png").rename("../photo.png")
    Path("../secret").mkdir()
    Path("../photo.png").rename("../secret/photo.png")
    assert "is not here; say where with --input PATH" in run("replay", "theirs.png").err
    Path("../secret/photo.png").rename("photo.png")
    assert "theirs-replay.png" in run("replay", "theirs.png").err


def test_an_empty_name_makes_no_preset(run: Callable[..., Outcome], made: dict[str, Any]) -> None:
    outcome = run("replay", "photo-dream.png", "--save-preset", "")
    assert outcome.code == 2
    assert "a preset's name can only have letters" in outcome.err


@pytest.mark.parametrize("kind", ["pipe", "sparse", "folder", "device"])
def test_what_is_no_ordinary_file_is_not_replayed(run: Callable[..., Outcome], photo: Path, kind: str) -> None:
    if kind == "pipe":
        os.mkfifo("odd.png")
    elif kind == "sparse":
        with open("odd.png", "wb") as file:
            file.truncate(10**12)
    elif kind == "folder":
        Path("odd.png").mkdir()
    else:
        Path("odd.png").symlink_to("/dev/zero")
    onto = ("dream", "photo.png", *SMALL, "-o", "odd.png")  # into a folder, that is
    for arguments in (("replay", "odd.png"), *([] if kind == "folder" else [onto]), ("dream", "odd.png")):
        outcome = run(*arguments)
        assert outcome.code in (1, 2)
        assert len(outcome.lines) == 1
        assert "unexpected" not in outcome.err


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(place=st.sampled_from(RECORD_PLACES), value=values)
def test_any_value_in_a_record_is_refused_or_has_its_type(place: tuple[str, ...], value: object) -> None:
    """And nothing that reads a record later has to check it again."""
    fields = deepcopy(RECORD.to_dict())
    group: Any = fields
    for name in place[:-1]:
        group = group[name]
    group[place[-1]] = value
    try:
        record = Record.from_json(json.dumps(fields))
    except ValueError:
        return
    assert isinstance(record.seen_by, str)
    assert record.to_json()
    assert record.provenance.gives_same_picture_as(record.provenance)
    try:
        form = record.provenance.form_settings()
    except (WrongRequest, KeyError):
        return
    assert form.to_json()
    assert all(isinstance(word, str) for word in words(form.changed()))
