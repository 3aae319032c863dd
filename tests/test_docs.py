from __future__ import annotations

import re
import runpy
import shlex
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
import torch

from dreamcli.art import octaves
from dreamcli.cli import COMMANDS, load_command
from tests.conftest import Outcome

ROOT = Path(__file__).resolve().parents[1]


def test_the_command_reference_is_up_to_date() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    assert page["REFERENCE"].read_text() == page["reference"](), "run: uv run python docs/generate.py"


def test_every_option_is_documented() -> None:
    sections = dict(
        re.findall(r"^## dreamcli ([\w-]+)\n(.*?)(?=^## |\Z)", page("commands.md"), re.MULTILINE | re.DOTALL)
    )
    assert sections.keys() == set(COMMANDS)
    for name, command in ((name, load_command(name)) for name in COMMANDS):
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.name}"
                for option in (*parameter.opts, *parameter.secondary_opts):
                    assert re.search(f"{option}[ ,]", sections[name]), f"{name} {option}"


@pytest.mark.parametrize("name", ["dream", "class", "boost", "style"])
def test_help_mentions_only_what_the_command_has(name: str) -> None:
    options = {option.name: option for option in load_command(name).params if isinstance(option, click.Option)}
    text = " ".join(options[key].help or "" for key in ("jitter", "color") if key in options)
    layers = options.get("layers")
    assert "neuron" not in text or "@Y,X" in str(layers and layers.metavar)
    assert "parameterization" not in text or "parameterization" in options
    assert not any(f"by {other}" in text for other in COMMANDS)


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def commands_in(name: str) -> list[str]:
    """Every dreamcli command line on a page."""
    return [line for line in page(name).splitlines() if line.startswith("dreamcli ")]


@pytest.mark.parametrize("name", ["index.md", "how-it-works.md", "recipes.md", "networks.md", "many-machines.md"])
def test_the_commands_on_a_page_parse(name: str) -> None:
    """Parse them as the command line would, up to where the work would start."""
    lines = commands_in(name)
    assert lines
    for line in lines:
        command, *arguments = shlex.split(line, comments=True)[1:]
        assert load_command(command).make_context(command, arguments).params, line


def test_every_picture_on_a_page_is_made_by_a_command_on_it() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "pictures.py"))
    assert page("recipes.md") == script["page"](), "run: uv run python docs/pictures.py"
    commands = script["commands"]()
    text = "".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    shown = set(re.findall(r"]\(pictures/([\w-]+)\.jpg\)", text))
    assert shown == commands.keys() == {path.stem for path in (ROOT / "docs" / "pictures").iterdir()}
    elsewhere = ("dreamcli filters", "dreamcli invert")  # plain photographs, and extending.md's
    figures = {command for command in script["FIGURES"].values() if not command.startswith(elsewhere)}
    lines = [*commands_in("how-it-works.md"), *(line for line in commands_in("networks.md") if " samples/" in line)]
    assert {line.partition(" -o ")[0] for line in lines} == figures


def test_the_gallery_shows_every_sample_with_its_command() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "gallery.py"))
    assert page("gallery.md") == script["page"](), "run: uv run python docs/gallery.py"
    assert script["SHOWN"].keys() == {path.name for path in (ROOT / "samples" / "pictures").iterdir()}


def test_every_screenshot_is_of_a_tab() -> None:
    tabs = [name.split()[-1].lower() for name in runpy.run_path(str(ROOT / "docs" / "screenshots.py"))["TABS"]]
    shown = set(re.findall(r"]\(screenshots/([\w-]+)\.jpg\)", page("web.md")))
    made = {path.stem for path in (ROOT / "docs" / "screenshots").iterdir()}
    assert made == {*tabs, *(f"{tab}-phone" for tab in tabs)}
    assert shown == made


BLOCK = re.compile(r'^```(python|diff) title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def test_extending_shows_the_code_as_it_is() -> None:
    blocks = [block for block in BLOCK.findall(page("extending.md")) if block[1].startswith("dreamcli/")]
    assert len(blocks) == 4
    for kind, name, text in blocks:
        code = (ROOT / name).read_text()
        if kind == "python":
            assert text == code, name
            continue
        for hunk in text.split("@@\n"):
            lines = "".join(line[1:] for line in hunk.splitlines(keepends=True))
            assert code.count(lines) == 1, f"{name} has no lines {lines}"


FRAME = re.compile(r"^\d+\. \*\*`(\w+)`\*\* \(`([\w/.]+)`\)", re.MULTILINE)
MAX_FRAMES = 9  # between main and ascend


def test_the_tour_of_the_code_names_the_frames_on_the_stack(
    run: Callable[..., Outcome], photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stacks: list[list[tuple[str, str]]] = []

    def ascend(*arguments: object, **options: object) -> object:
        frames = [(Path(frame.filename), frame.name) for frame in traceback.extract_stack()]
        package = Path(octaves.__file__).parents[1]
        stacks.append(
            [(name, path.relative_to(package).as_posix()) for path, name in frames if package in path.parents]
        )
        return original(*arguments, **options)

    original = octaves.ascend
    monkeypatch.setattr(octaves, "ascend", ascend)
    assert run("dream", photo, "--layer", "mid", "--steps", 1, "--octaves", 1).code == 0
    tour = FRAME.findall(page("how-it-works.md").partition("## A tour of the code")[2])
    assert [*stacks[0], ("ascend", "engine/ascent.py")] == tour
    assert len(tour) <= MAX_FRAMES + 2


def test_the_pictures_in_the_readme_exist_and_are_made_by_the_script() -> None:
    readme = (ROOT / "README.md").read_text()
    made = {picture.name for picture in (ROOT / "samples" / "pictures").iterdir()}
    script = runpy.run_path(str(ROOT / "samples" / "make.py"))
    assert made == {*script["PICTURES"], script["SHEET"]}
    for path in re.findall(r'(?:\]\(|src=")(samples/[^)"]+)', readme):
        assert (ROOT / path).is_file(), path


DOZEN = (
    "dreamnet",
    "lenet5",
    "alexnet",
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "googlenet",
    "inception_v3",
    "maxvit_t",
    "mobilenet_v3_small",
    "regnet_x_400mf",
    "resnet18",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
    "swin_t",
    "vgg11",
    "vit_b_32",
)


@pytest.mark.parametrize("name", DOZEN)
def test_a_varied_dozen_of_networks_has_a_layer_table_and_dreams(name: str) -> None:
    line = runpy.run_path(str(ROOT / "docs" / "networks.py"))["row"](name)
    cells = [cell.strip() for cell in line.split("|")][1:-1]
    assert cells[0] == name
    assert cells[-1] == "yes", line
    assert int(cells[4]) > 5, line


def test_your_own_network_works(photo: Path, run: Callable[..., Outcome]) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", page("networks.md"), re.MULTILINE | re.DOTALL)
    Path("net.py").write_text(code)
    space: dict[str, Any] = {}
    exec(code, space)
    torch.save(space["MyNet"](3).state_dict(), "my-weights.pth")  # not its default number of classes
    photo.rename("photo.jpg")
    lines = [line for line in commands_in("networks.md") if "net.py:MyNet" in line]
    assert len(lines) == 2
    for line in lines:
        outcome = run(*shlex.split(line)[1:])
        assert outcome.code == 0, outcome.err
