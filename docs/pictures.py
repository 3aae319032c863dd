"""Make the pictures of these pages, each by its command, and write recipes.md.

``uv run python docs/pictures.py [NAME...]``
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent
PICTURES = HERE / "pictures"
QUALITY = 84  # of the JPEGs: they are for pages


@dataclass(frozen=True)
class Recipe:
    """A command worth copying.

    Attributes:
        name: of its picture.
        title: what it makes.
        command: that makes it.
        remark: what to know about it.
    """

    name: str
    title: str
    command: str
    remark: str


RECIPES = (
    Recipe(
        "dream-mid",
        "Eyes everywhere",
        "dreamcli dream samples/coffee.jpg --size 480",
        "The default: layer `mid`, strength 0.5.",
    ),
)

# the pictures of the other pages: on each, the command stands near its picture
FIGURES = {
    "photograph": "dreamcli filters samples/coffee.jpg --apply identity --size 320",
}
# by the command that extending.md adds
INVERSIONS = {f"invert-{layer}": f"dreamcli invert samples/chelsea.jpg --layer {layer} --size 240" for layer in ()}


def page() -> str:
    """The whole of recipes.md."""
    parts = [
        "# Recipes\n",
        "Written by `docs/pictures.py`, which also makes the pictures, each by the command above it, in a clone of the\n"
        "repository. They need nothing but what comes in the box.\n",
    ]
    for recipe in RECIPES:
        picture = f"![{recipe.title}](pictures/{recipe.name}.jpg)"
        parts.append(f"## {recipe.title}\n\n```\n{recipe.command}\n```\n\n{recipe.remark}\n\n{picture}\n")
    return "\n".join(parts)


def commands() -> dict[str, str]:
    """The command behind every picture."""
    return {recipe.name: recipe.command for recipe in RECIPES} | FIGURES | INVERSIONS


def make(name: str, command: str, program: Path, folder: Path) -> None:
    """Make one picture, and save it small."""
    from dreamcli.cli import run

    made = folder / f"{name}.png"
    arguments = [*shlex.split(command)[1:], "--quiet", "-o", str(made)]
    if name in INVERSIONS:
        subprocess.run(
            [sys.executable, "-m", "dreamcli", *arguments], env=os.environ | {"PYTHONPATH": str(program)}, check=True
        )
    elif code := run(arguments):
        sys.exit(code)
    with Image.open(made) as picture:
        picture.convert("RGB").save(PICTURES / f"{name}.jpg", quality=QUALITY, optimize=True)
