"""Write recipes.md and make the pictures of all pages: ``uv run python docs/pictures.py [NAME...]``."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent
PAGE, PICTURES = HERE / "recipes.md", HERE / "pictures"
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
        "Eyes in the coffee",
        "dreamcli dream samples/coffee.jpg --size 480",
        "The default: layer `mid`, at half strength. Leave `--size` out for a result as large as the photograph.",
    ),
    Recipe(
        "strokes",
        "Drawn in strokes",
        "dreamcli dream samples/rocket.jpg --layer low --size 400",
        "`low` sees edges and curls, so it draws with them.",
    ),
    Recipe(
        "beasts",
        "Beasts on the launch pad",
        "dreamcli dream samples/rocket.jpg --layer high --strength 0.8 --size 400",
        "`high` knows whole animals; strength 0.8 leaves little else.",
    ),
    Recipe(
        "crowd",
        "A crowd of large animals",
        "dreamcli dream samples/chelsea.jpg --layer high --octaves 8 --octave-scale 1.2 --size 400",
        "Octaves that lie close together go over the same shapes again and again, so animals grow whole.",
    ),
    Recipe(
        "fur",
        "Fine, and in the photograph's own colours",
        "dreamcli dream samples/chelsea.jpg --octaves 2 --color 0 --size 400",
        "Two octaves keep the dream small, and `--color 0` lets it change brightness alone.",
    ),
    Recipe(
        "guided",
        "Led by another picture",
        "dreamcli dream samples/coffee.jpg --guide samples/styles/waves.jpg --size 400",
        "Towards those features in `mid` that the guide has, instead of the coffee's own.",
    ),
    Recipe(
        "channel",
        "One pattern only",
        "dreamcli dream samples/chelsea.jpg --layer mid:7 --size 400",
        "One channel of the 384 in `mid`. Another number, another pattern.",
    ),
    Recipe(
        "masked",
        "Only where it is bright",
        "dreamcli dream samples/coffee.jpg --mask samples/coffee.jpg --strength 0.8 --size 400",
        "A mask is any picture; here the photograph is its own.",
    ),
    Recipe(
        "faded",
        "Forgotten",
        "dreamcli dream samples/chelsea.jpg --layer low --minimize --strength 0.1 --size 400",
        "The opposite of a dream: what the layer sees fades, and gently, or nothing is left.",
    ),
    Recipe(
        "noise",
        "Out of nothing",
        "dreamcli dream --start noise --layer high --octaves 8 --size 360",
        "From noise with the colours of photographs. `--seed 1` begins another one.",
    ),
    Recipe(
        "class",
        "What a goldfish is",
        "dreamcli class goldfish --size 160 --steps 32",
        "The score of the class is climbed, from noise. `dreamcli models dreamnet --classes fish` finds names.",
    ),
    Recipe(
        "mix",
        "Two things at once",
        "dreamcli class jellyfish umbrella --mix --size 160 --steps 32",
        "One picture that both classes answer to.",
    ),
    Recipe(
        "monarch",
        "A class into a photograph",
        "dreamcli class monarch --start samples/galaxies.jpg --size 240 --steps 24",
        "The photograph is the start, and what the class has no use for stays.",
    ),
    Recipe(
        "neuron",
        "What a channel responds to",
        "dreamcli boost --layer high:12 --size 160 --steps 32",
        "From noise, with the frequencies of photographs.",
    ),
    Recipe(
        "channels",
        "Which channels are worth it",
        "dreamcli boost --layer high --channels 0-5 --sheet --size 112 --steps 24",
        "Small and few steps, to choose from; then one of them alone, larger.",
    ),
    Recipe(
        "waves",
        "In the manner of a picture",
        "dreamcli style samples/chelsea.jpg --style samples/styles/waves.jpg --size 256 --steps 50",
        "Fewer steps than usual, for a first look.",
    ),
    Recipe(
        "keep-colors",
        "Another hand, the same colours",
        "dreamcli style samples/coffee.jpg --style samples/styles/woodcut.jpg --keep-colors --size 256 --steps 50",
        "Only the brightness is repainted.",
    ),
    Recipe(
        "fine-coarse",
        "Brushwork of one, shapes of another",
        "dreamcli style samples/coffee.jpg --fine samples/styles/mosaic.jpg --coarse samples/styles/waves.jpg "
        "--size 256 --steps 50",
        "`--fine` is measured in the first layers, `--coarse` in the deeper ones.",
    ),
    Recipe(
        "tile",
        "A seamless tile",
        "dreamcli style --from-noise --style samples/styles/waves.jpg --seamless --size 160 --steps 50",
        "Its left border continues at the right, and its upper at the lower.",
    ),
    Recipe(
        "features",
        "What the layers see",
        "dreamcli features samples/rocket.jpg --top 4 --colormap magma --size 224",
        "The four most active channels of `low`, `mid` and `high`: edges, parts, and where things are.",
    ),
)

# the pictures of the other pages, where each command stands beside them
FIGURES = {
    "photograph": "dreamcli filters samples/coffee.jpg --apply identity --size 320",
    "layer-low": "dreamcli dream samples/coffee.jpg --layer low --size 320",
    "layer-mid": "dreamcli dream samples/coffee.jpg --layer mid --size 320",
    "layer-high": "dreamcli dream samples/coffee.jpg --layer high --size 320",
    "octaves-1": "dreamcli dream samples/galaxies.jpg --octaves 1 --size 320",
    "octaves-3": "dreamcli dream samples/galaxies.jpg --octaves 3 --size 320",
    "octaves-6": "dreamcli dream samples/galaxies.jpg --octaves 6 --size 320",
    "field": "dreamcli dream samples/chelsea.jpg --layer mid:7@15,20 --octaves 1 --size 320 --steps 30",
    "pixels": 'dreamcli class "king penguin" --size 160 --steps 32 --parameterization pixels',
    "fourier": 'dreamcli class "king penguin" --size 160 --steps 32 --parameterization fourier',
    "phase": 'dreamcli class "king penguin" --size 160 --steps 32 --parameterization phase',
    "style-photograph": "dreamcli filters samples/rocket.jpg --apply identity --size 240",
    "style-picture": "dreamcli filters samples/styles/mosaic.jpg --apply identity --size 160",
    "style-both": "dreamcli style samples/rocket.jpg --style samples/styles/mosaic.jpg --size 240 --steps 50",
    "style-texture": "dreamcli style --from-noise --style samples/styles/mosaic.jpg --size 160 --steps 50",
    "strength-2": "dreamcli style samples/astronaut.jpg --style samples/styles/mosaic.jpg --strength 0.2 --size 240",
    "strength-5": "dreamcli style samples/astronaut.jpg --style samples/styles/mosaic.jpg --size 240",
    "strength-9": "dreamcli style samples/astronaut.jpg --style samples/styles/mosaic.jpg --strength 0.9 --size 240",
    "invert-photo": "dreamcli filters samples/chelsea.jpg --apply identity --size 240",
    "invert-low": "dreamcli invert samples/chelsea.jpg --layer low --size 240 --steps 60",
    "invert-mid": "dreamcli invert samples/chelsea.jpg --layer mid --size 240 --steps 60",
    "invert-high": "dreamcli invert samples/chelsea.jpg --layer high --size 240 --steps 60",
}


def page() -> str:
    """The whole of recipes.md."""
    parts = [
        "# Recipes\n",
        "Twenty commands worth copying, for typing in a clone of the repository; they need nothing but what is there.\n"
        "Two with the same photograph write to the same place: name the second with `-o`, or add `--overwrite`.\n"
        "This page is written by `docs/pictures.py`, which makes each picture by the command above it.\n",
    ]
    for recipe in RECIPES:
        picture = f"![{recipe.title}](pictures/{recipe.name}.jpg)"
        parts.append(f"## {recipe.title}\n\n```\n{recipe.command}\n```\n\n{recipe.remark}\n\n{picture}\n")
    return "\n".join(parts)


def commands() -> dict[str, str]:
    """The command behind every picture."""
    return {recipe.name: recipe.command for recipe in RECIPES} | FIGURES


def make(name: str, folder: Path) -> None:
    """Make one picture, and save it small."""
    from dreamcli.cli import run

    made = folder / f"{name}.png"
    if code := run([*shlex.split(commands()[name])[1:], "-o", str(made)]):
        sys.exit(code)
    with Image.open(made) as picture:
        picture.convert("RGB").save(PICTURES / f"{name}.jpg", quality=QUALITY, optimize=True)


def main() -> None:
    """Make those that were named, or all."""
    from extending import build

    os.chdir(HERE.parent)
    PAGE.write_text(page())
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        sys.path.insert(0, folder)  # before dreamcli is imported: a program that has extending.md's art form, too
        for name in sys.argv[1:] or commands():
            make(name, Path(folder))


if __name__ == "__main__":
    main()
