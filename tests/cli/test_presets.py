"""``--preset``, ``dreamcli presets``, and ``replay --save-preset``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click
import pytest
from PIL import Image

from dreamcli.cli import COMMANDS, load_command
from dreamcli.cli.preset_option import values_for
from dreamcli.files.presets import SHIPPED, read_preset
from dreamcli.files.record import read_record
from dreamcli.forms import settings_classes
from tests.cli.test_completion import completed
from tests.conftest import QUICK, scene
from tests.test_fixtures import FOLDER as FIXTURES

FORMS = settings_classes()

OWN = Path("config/dreamcli/presets")


def own(name: str, text: str) -> Path:
    OWN.mkdir(parents=True, exist_ok=True)
    path = OWN / f"{name}.toml"
    path.write_text(text)
    return path


def settings_of(path: str) -> dict[str, object]:
    record = read_record(Path(path))
    assert record is not None
    return record.provenance.settings


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_a_shipped_preset_works_for_its_commands(path: Path) -> None:
    preset = read_preset(path)
    assert preset.about
    assert preset.options
    for name in preset.options:
        assert values_for(preset, click.Context(load_command(name)))


def test_every_command_that_makes_pictures_takes_presets() -> None:
    taking = {name for name in COMMANDS if any(param.name == "preset" for param in load_command(name).params)}
    taking.remove("replay")  # its --save-preset makes one
    assert taking == set(FORMS)
    plain = {"invert", "caricature", "explain", "film", "filters", "microscope"}  # little to choose from
    assert {name for path in SHIPPED.glob("*.toml") for name in read_preset(path).options} == taking - plain


def test_typed_options_override_a_preset_and_that_the_defaults(run, photo: Path) -> None:
    own("mine", '[dream]\nsteps = 2\noctaves = 2\nlayer = ["low", "high*0.5"]\nstrength = 1\nminimize = true')
    assert run("dream", photo, "--preset", "mine", "--strength", 0.25, "--layer", "mid", "-o", "a.png").code == 0
    made = settings_of("a.png")
    assert (made["steps"], made["strength"], made["layers"], made["minimize"]) == (2, 0.25, ["mid"], True)
    assert run("dream", photo, "--preset", "mine", "-o", "b.png").code == 0
    made = settings_of("b.png")
    assert (made["strength"], made["layers"], made["color"]) == (1.0, ["low", "high*0.5"], 0.5)


def test_either_color_option_overrides_the_other_in_a_preset(run, photo: Path) -> None:
    own("kept", "[style]\nsteps = 1\nkeep-colors = true")
    own("matched", '[style]\nsteps = 1\ncolors = "match"')
    command = ("style", photo, "--style", photo, "--preset")
    for preset, typed, colors in (
        ("kept", (), "luminance"),
        ("kept", ("--colors", "style"), "style"),
        ("matched", (), "match"),
        ("matched", ("--keep-colors",), "luminance"),
    ):
        assert run(*command, preset, *typed, "-o", "a.png", "--overwrite").code == 0
        assert settings_of("a.png")["colors"] == colors


def test_your_own_preset_overrides_a_shipped_one_of_that_name(run, photo: Path) -> None:
    name = next(path.stem for path in sorted(SHIPPED.glob("*.toml")) if "dream" in read_preset(path).options)
    own(name, "[dream]\nsteps = 1\noctaves = 1")
    assert run("dream", photo, "--preset", name, "-o", "a.png").code == 0
    assert settings_of("a.png")["steps"] == 1


BROKEN = {
    "broken.toml: not TOML (": "[dream",
    "broken.toml: dream: options go under their command, such as [dream]": "dream = 3",
    "broken.toml: about: 3 is not text": "about = 3",
    "broken.toml: stepps: dream has no such option; did you mean steps": "[dream]\nstepps = 3",
    "broken.toml: preset: dream has no such option": '[dream]\npreset = "x"',
    "broken.toml: steps: '3.5' is not a whole number": "[dream]\nsteps = 3.5",
    "broken.toml: steps: takes a value, not True": "[dream]\nsteps = true",
    "broken.toml: steps: takes one value, not a list": "[dream]\nsteps = [3, 4]",
    "broken.toml: strength: 'much' is not a number": '[dream]\nstrength = "much"',
    "broken.toml: strength: takes text or numbers, not {'a': 1}": "[dream]\nstrength.a = 1",
    "broken.toml: minimize: is true or false, not 'yes'": '[dream]\nminimize = "yes"',
    "broken.toml: layer: takes text or numbers, not [[1]]": "[dream]\nlayer = [[1]]",
    "broken.toml: layer: 'mid:' is not of the form [NETWORK/]LAYER": '[dream]\nlayer = "mid:"',
    "broken.toml: device: 'gpu' is not one of": '[dream]\ndevice = "gpu"',
    "steps must be from 1 to 10000, not -3": "[dream]\nsteps = -3",
    "broken.toml: drem: no command that takes presets has this name; did you mean dream": "[drem]",
    "preset broken is for class and boost; those for dream are: ": "[class]\n[boost]",
    "preset broken is for no command; those for dream are: ": "",
}


@pytest.mark.parametrize(("message", "text"), BROKEN.items(), ids=list(BROKEN))
def test_a_broken_preset_prints_one_line(run, photo: Path, message: str, text: str) -> None:
    own("broken", text)
    outcome = run("dream", photo, "--preset", "broken")
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.startswith("dreamcli: ")
    assert outcome.err.count("\n") == 1


def test_an_unreadable_preset_prints_one_line(run, photo: Path) -> None:
    own("folder", "").unlink()
    (OWN / "folder.toml").mkdir()
    (OWN / "latin.toml").write_bytes(b'about = "caf\xe9"')
    for name, reason in (("folder", "a folder, not a file"), ("latin", "not TOML")):
        outcome = run("dream", photo, "--preset", name)
        assert (outcome.code, outcome.err.count("\n")) == (2, 1)
        assert f"{name}.toml: {reason}" in outcome.err


def test_a_misspelled_name_gets_a_suggestion(run, photo: Path) -> None:
    own("broken", "[dream")
    own("harvest", "[dream]")
    assert "there is no preset 'harvst'; did you mean harvest" in run("dream", photo, "--preset", "harvst").err
    outcome = run("presets", "zzzzzz")
    assert outcome.code == 2
    assert "there is no preset 'zzzzzz'; list them with: dreamcli presets" in outcome.err


def test_presets_are_listed_and_shown(run) -> None:
    path = own("mine", 'about = "Plain [bold] text."\n[dream]\nsteps = 3\n')
    plain = run("presets")
    assert plain.code == 0
    for shipped in SHIPPED.glob("*.toml"):
        assert shipped.stem in plain.out
    assert "Plain [bold] text." in plain.out
    listed = {entry["name"]: entry for entry in json.loads(run("presets", "--json").out)}
    assert listed["mine"]["shipped"] is False
    assert sum(entry["shipped"] for entry in listed.values()) == len(list(SHIPPED.glob("*.toml")))
    assert run("presets", "mine").out == f"# {path.resolve()}\n{path.read_text()}"
    assert json.loads(run("presets", "mine", "--json").out)["commands"] == {"dream": {"steps": 3}}


def test_a_broken_preset_does_not_hide_the_others(run) -> None:
    own("broken", "[dream")
    own("mine", "[dream]")
    outcome = run("presets")
    assert outcome.code == 1
    assert "broken.toml: not TOML" in outcome.err
    assert "mine" in outcome.out


def test_names_are_completed(run) -> None:
    own("mine", "[dream]\nsteps = 3")
    own("minor", "[style]")
    own("minus", "[dream")
    assert completed("dream", "--preset", "min") == [("plain", "mine")]
    assert completed("presets", "min") == [("plain", "mine"), ("plain", "minor")]


@pytest.mark.parametrize(
    ("command", "arguments", "kept"),
    [
        ("dream", ("photo.png", "--layer", "low:3*0.5", "--layer", "high", "--color", 1, "--minimize", "-m", "lenet5"),
         {"layer": ["low:3*0.5", "high"], "color": 1.0, "minimize": True, "model": "lenet5"}),
        ("dream", ("photo.png", "--guide", "o ther.png", "--mask", "o ther.png"), {"guide": "o ther.png"}),
        ("class", ("goldfish", "--size", 64, "--turn", 0, "--no-mirror"), {"size": 64, "turn": 0.0, "mirror": False}),
        ("class", ("goldfish", "--size", 64, "--like", "photo.png", "--like", "o ther.png", "--likeness", 4),
         {"size": 64, "like": ["photo.png", "o ther.png"], "likeness": 4.0}),
        ("boost", ("--layer", "mid:3", "--sheet", "--size", 64), {"layer": ["mid:3"], "sheet": True, "size": 64}),
        ("style", ("photo.png", "--style", "o ther.png=2", "--style", "photo.png", "--tv", 1e-7, "--keep-colors"),
         {"style": ["o ther.png=2.0", "photo.png"], "tv": 1e-7, "colors": "luminance"}),
        ("style", ("photo.png", "--fine", "o ther.png", "--coarse", "photo.png"),
         {"fine": "o ther.png", "coarse": "photo.png"}),
        ("style", ("--from-noise", "--style", "o ther.png", "--seamless", "--size", 48),
         {"style": ["o ther.png"], "seamless": True, "from-noise": True, "size": 48}),
        ("dream", ("--start", "noise", "--size", 48), {"start": "noise", "size": 48}),
        ("features", ("photo.png", "--channels", "0-2,5", "--layer", "low"), {"layer": ["low"], "channels": "0,1,2,5"}),
        ("filters", ("photo.png", "--apply", "edge"), {"apply": "edge"}),
    ],
)  # fmt: skip
def test_any_output_gives_a_preset(
    run, photo: Path, command: str, arguments: tuple[object, ...], kept: dict[str, object]
) -> None:
    Image.fromarray(scene(40, 50)).save("o ther.png")
    quick = QUICK if command not in ("features", "filters") else ()
    made = run(command, *arguments, *quick, "-o", "out.png")
    assert made.code == 0, made.err
    outcome = run("replay", "out.png", "--save-preset", "mine")
    assert (outcome.code, outcome.err) == (0, f"out.png -> {(OWN / 'mine.toml').resolve()}\n")
    preset = read_preset(OWN / "mine.toml")
    assert preset.about == "As out.png"
    expected = {"model": "dreamnet"} | kept | ({"steps": 2, "octaves": 2} if quick else {})
    here = f"{Path.cwd()}/"
    saved = json.loads(json.dumps(preset.options[command]).replace(json.dumps(here)[1:-1], ""))
    assert saved == expected
    # the preset makes the same picture again
    again = [each for each in arguments[:1] if not str(each).startswith("-")]
    more = ["--mask", "o ther.png"] if "--mask" in arguments else []
    assert run(command, *again, *more, "--preset", "mine", "-o", "again.png").code == 0
    assert Path("again.png").read_bytes() == Path("out.png").read_bytes()


@pytest.mark.parametrize("name", ["class.png", "boost-channels.webp", "features.png", "filters.png"])
def test_an_old_picture_gives_a_preset(run, name: str) -> None:
    shutil.copy(FIXTURES / name, name)
    outcome = run("replay", name, "--save-preset", "mine")
    assert outcome.code == 0, outcome.err
    assert read_preset(OWN / "mine.toml").options


def test_a_mix_stays_one_picture(run) -> None:
    classes = ("goldfish", "tench")
    assert run("class", *classes, "--mix", *QUICK, "--size", 48, "-o", "out.png").code == 0
    assert run("replay", "out.png", "--save-preset", "mine").code == 0
    assert run("class", *classes, "--preset", "mine", "-o", "again.png").code == 0
    assert Path("again.png").read_bytes() == Path("out.png").read_bytes()


def test_an_atlas_gives_no_preset(run) -> None:
    assert run("microscope", "lenet5", "-o", "atlas", "--channels", "0", "--layer", "maps.tanh1", "--size", 32,
               "--steps", 1, "--octaves", 1).code == 0  # fmt: skip
    outcome = run("replay", next(Path("atlas").rglob("0.jpg")), "--save-preset", "mine")
    assert (outcome.code, outcome.err) == (2, "dreamcli: a picture of an atlas makes no preset\n")


def test_a_preset_is_replaced_only_with_overwrite(run, photo: Path) -> None:
    run("dream", photo, *QUICK, "-o", "out.png")
    assert run("replay", "out.png", "--save-preset", "mine", "--dry-run").code == 0
    assert not OWN.exists()
    run("replay", "out.png", "--save-preset", "mine")
    outcome = run("replay", "out.png", "--save-preset", "mine")
    assert outcome.code == 2
    assert "there is already a preset mine" in outcome.err
    assert run("replay", "out.png", "--save-preset", "mine", "--overwrite").code == 0
    outcome = run("replay", "out.png", "--save-preset", "../mine")
    assert outcome.code == 2
    assert "a preset's name can only have letters, digits, - and _, not '../mine'" in outcome.err
    assert not Path("again.png").exists()
