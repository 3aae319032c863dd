from __future__ import annotations

import runpy
import shlex
from pathlib import Path

import pytest

from dreamcli.cli import cli

ROOT = Path(__file__).resolve().parents[1]


def test_the_command_reference_is_what_help_says() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    assert page["REFERENCE"].read_text() == page["reference"](), "run: uv run python docs/generate.py"


def test_every_option_has_help() -> None:
    for command in cli.commands.values():
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert parameter.help, f"{command.name} {parameter.name}"


def commands_in(page: str) -> list[list[str]]:
    """Every dreamcli command line in the code blocks of a page."""
    lines = (ROOT / page).read_text().splitlines()
    found = [line.strip().removeprefix("$ ") for line in lines]
    return [shlex.split(line, comments=True)[1:] for line in found if line.startswith("dreamcli ")]


@pytest.mark.parametrize("arguments", [*commands_in("README.md"), *commands_in("docs/many-machines.md")], ids=" ".join)
def test_the_commands_of_the_pages_are_understood(arguments: list[str]) -> None:
    """Parsed as the command line would, up to where the work would start."""
    if arguments == ["--help"]:
        return
    command = cli.commands[arguments[0]]
    context = command.make_context(arguments[0], list(arguments[1:]))
    assert context.params


def test_the_pictures_of_the_readme_are_there_and_made_by_the_script() -> None:
    import re

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
