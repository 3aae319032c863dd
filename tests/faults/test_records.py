"""Pictures of strangers, whose records were made to do harm."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dreamcli.files.record import read_record
from tests.conftest import Outcome

SMALL = ("--size", 40, "--steps", 1, "--octaves", 1)
CODE = "from pathlib import Path\nPath('ran').touch()\n"
DEEP = "[" * 10_000 + "]" * 10_000


@pytest.fixture
def made(run: Callable[..., Outcome], photo: Path) -> dict[str, Any]:
    """A picture with its record, and files that a hostile record could reach for."""
    assert run("dream", "photo.png", *SMALL).code == 0
    Path("net.py").write_text(CODE + "class Net: pass\n")
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
    ("stopped", "interrupted"),
]


@pytest.mark.parametrize(("where", "value"), CHANGES, ids=lambda each: str(each)[:30])
@pytest.mark.parametrize("options", [(), ("--save-preset", "theirs")], ids=["replay", "save-preset"])
def test_a_hostile_record_does_nothing(
    run: Callable[..., Outcome], made: dict[str, Any], where: str, value: object, options: tuple[str, ...]
) -> None:
    hand_over(changed(made, where, value))
    before = {path: sha256(path.read_bytes()).hexdigest() for path in Path().rglob("*") if path.is_file()}
    outcome = run("replay", "theirs.png", *options)
    assert not Path("ran").exists()
    assert "unexpected" not in outcome.err, outcome.err
    assert len(outcome.lines) <= 1
    assert outcome.code in (0, 1)  # the command line isn't wrong
    after = {path: sha256(path.read_bytes()).hexdigest() for path in Path().rglob("*") if path.is_file()}
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
