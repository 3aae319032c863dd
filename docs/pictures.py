"""Write recipes.md and make the pictures in the docs: ``uv run python docs/pictures.py [NAME...]``."""

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
QUALITY = 84  # JPEG quality, low enough for quick pages


@dataclass(frozen=True)
class Recipe:
    """A command worth copying.

    Attributes:
        name: the file name of its picture, without the suffix.
        title: its heading.
        command: the command that makes the picture.
        remark: the text below the command.
    """

    name: str
    title: str
    command: str
    remark: str


RECIPES = (
    Recipe(
        "dream",
        "Beasts in the coffee",
        "dreamcli dream samples/coffee.jpg --size 480",
        "The defaults: two networks climb their `high` layers together, at half strength. Leave out `--size` to get a "
        "result as large as the photo.",
    ),
    Recipe(
        "strokes",
        "Drawn in strokes",
        "dreamcli dream samples/rocket.jpg --layer low --size 400",
        "`low` sees edges and curls, so that is what it draws.",
    ),
    Recipe(
        "beasts",
        "Beasts on the launch pad",
        "dreamcli dream samples/rocket.jpg --layer high --strength 0.8 --size 400",
        "`high` sees whole animals, and a strength of 0.8 leaves little else.",
    ),
    Recipe(
        "vgg",
        "A beast by the original VGG19",
        "dreamcli dream samples/chelsea.jpg --model vgg19_gatys --size 400",
        "The network of the first style transfer turns things into fur and eyes, and takes the longest.",
    ),
    Recipe(
        "fur",
        "Fine detail in the photo's own colors",
        "dreamcli dream samples/chelsea.jpg --layer mid --octaves 1 --color 0 --size 400",
        "A single octave keeps the details small, and with `--color 0` only the brightness changes.",
    ),
    Recipe(
        "guided",
        "Guided by another picture",
        "dreamcli dream samples/coffee.jpg --guide samples/styles/strokes.jpg --size 400",
        "The dream moves toward the guide's features in `high` instead of the coffee's own.",
    ),
    Recipe(
        "channel",
        "A single pattern",
        "dreamcli dream samples/chelsea.jpg --layer dreamnet/mid:7 --size 400",
        "`mid` of `dreamnet` has 384 channels, and each draws a different pattern. This is channel 7.",
    ),
    Recipe(
        "masked",
        "Only in bright areas",
        "dreamcli dream samples/coffee.jpg --mask samples/coffee.jpg --strength 0.8 --size 400",
        "A mask can be any picture. Here, the photo is its own mask.",
    ),
    Recipe(
        "faded",
        "Fading away",
        "dreamcli dream samples/chelsea.jpg --layer low --minimize --strength 0.1 --size 400",
        "The opposite of a dream: what the layer sees fades. The strength is low so that something is left.",
    ),
    Recipe(
        "noise",
        "Starting from noise",
        "dreamcli dream --start noise --size 360",
        "No photo is needed: the noise has the colors of photos. `--seed 1` starts from different noise.",
    ),
    Recipe(
        "class",
        "What the network thinks a goldfish is",
        "dreamcli class goldfish",
        "Starts from noise and raises the class's score in two networks. `dreamcli models dreamnet --classes fish` "
        "searches the names.",
    ),
    Recipe(
        "mix",
        "Two classes at once",
        "dreamcli class jellyfish umbrella --mix",
        "`--mix` raises the scores of both classes in one picture.",
    ),
    Recipe(
        "monarch",
        "A class in a photo",
        "dreamcli class monarch --start samples/galaxies.jpg --size 240",
        "Starts from the photo and leaves parts that don't help the class alone.",
    ),
    Recipe(
        "like",
        "A cat like this one",
        "dreamcli class tabby --like samples/chelsea.jpg",
        "`--like` takes colors, fur and parts from your own photos, or a folder of them, but not their arrangement.",
    ),
    Recipe(
        "neuron",
        "What a channel responds to",
        "dreamcli boost --layer high:12 --size 160 --steps 32",
        "Starts from noise that has the frequencies of photos. Try numbers other than 12.",
    ),
    Recipe(
        "channels",
        "Find good channels",
        "dreamcli boost --layer high --channels 0-5 --sheet --size 112 --steps 24",
        "A quick overview, small and with few steps. Choose a channel, and draw it again, larger.",
    ),
    Recipe(
        "painted",
        "In the style of a picture",
        "dreamcli style samples/chelsea.jpg --style samples/styles/strokes.jpg --size 320",
        "The brushstrokes follow the fur.",
    ),
    Recipe(
        "keep-colors",
        "A new style in the same colors",
        "dreamcli style samples/coffee.jpg --style samples/styles/hatching.jpg --keep-colors --size 256",
        "`--keep-colors` repaints only the brightness.",
    ),
    Recipe(
        "fine-coarse",
        "Brushwork from one picture, shapes from another",
        "dreamcli style samples/coffee.jpg --fine samples/styles/glass.jpg --coarse samples/styles/strokes.jpg "
        "--size 256",
        "The `--fine` style is measured in the first layers, the `--coarse` style in deeper ones.",
    ),
    Recipe(
        "tile",
        "A seamless tile",
        "dreamcli style --from-noise --style samples/styles/strokes.jpg --seamless --size 160",
        "The left edge continues on the right, and the top edge at the bottom.",
    ),
    Recipe(
        "features",
        "What the layers see",
        "dreamcli features samples/rocket.jpg --top 4 --colormap magma --size 224",
        "The four most active channels of `low`, `mid` and `high`, which show edges, parts and where objects are.",
    ),
)

# the pictures on the other pages, and the commands that make them
FIGURES = {
    "photograph": "dreamcli filters samples/coffee.jpg --apply identity --size 320",
    "layer-low": "dreamcli dream samples/coffee.jpg --layer low --size 320",
    "layer-mid": "dreamcli dream samples/coffee.jpg --layer mid --size 320",
    "layer-high": "dreamcli dream samples/coffee.jpg --layer high --size 320",
    "octaves-1": "dreamcli dream samples/galaxies.jpg --layer mid --octaves 1 --size 320",
    "octaves-3": "dreamcli dream samples/galaxies.jpg --layer mid --octaves 3 --octave-scale 1.3 --size 320",
    "octaves-6": "dreamcli dream samples/galaxies.jpg --layer mid --octaves 6 --octave-scale 1.3 --size 320",
    **{
        f"network-{name}-{photo}": f"dreamcli dream samples/{photo}.jpg --model {name} --size 400"
        for name in ("dreamnet", "efficientnet_lite0", "vgg19_gatys")
        for photo in ("coffee", "rocket", "chelsea")
    },
    **{
        f"network-together-{photo}": f"dreamcli dream samples/{photo}.jpg --size 400"
        for photo in ("coffee", "rocket", "chelsea")
    },
    "field": "dreamcli dream samples/chelsea.jpg -m dreamnet --layer mid:7@15,20 --octaves 1 --size 320 --steps 30",
    **{
        name: f'dreamcli class "king penguin" --parameterization {name}'
        for name in ("pyramid", "fourier", "phase", "pixels")
    },
    "style-photograph": "dreamcli filters samples/rocket.jpg --apply identity --size 240",
    "style-picture": "dreamcli filters samples/styles/glass.jpg --apply identity --size 160",
    "style-both": "dreamcli style samples/rocket.jpg --style samples/styles/glass.jpg --size 240",
    "style-texture": "dreamcli style --from-noise --style samples/styles/glass.jpg --size 160",
    "style-moments": "dreamcli style samples/rocket.jpg --style samples/styles/glass.jpg --statistics moments "
    "--size 240",
    "strength-2": "dreamcli style samples/astronaut.jpg --style samples/styles/glass.jpg --strength 0.2 --size 240",
    "strength-5": "dreamcli style samples/astronaut.jpg --style samples/styles/glass.jpg --size 240",
    "strength-9": "dreamcli style samples/astronaut.jpg --style samples/styles/glass.jpg --strength 0.9 --size 240",
    "caricature-low": "dreamcli caricature samples/chelsea.jpg --layer low --size 240",
    "caricature-mid": "dreamcli caricature samples/chelsea.jpg --layer mid --size 240",
    "caricature-high": "dreamcli caricature samples/chelsea.jpg --size 240",
    "invert-photo": "dreamcli filters samples/chelsea.jpg --apply identity --size 240",
    "invert-low": "dreamcli invert samples/chelsea.jpg --layer low --size 240",
    "invert-mid": "dreamcli invert samples/chelsea.jpg --layer mid --size 240",
    "invert-high": "dreamcli invert samples/chelsea.jpg --layer high --size 240",
}


def page() -> str:
    """The text of recipes.md."""
    parts = [
        "# Recipes\n",
        "Twenty-one commands worth copying. Run them in a clone of the repository, which has all the files they use.\n"
        "Two recipes with the same command and photo write to the same file. To keep both pictures, give one its\n"
        "own `-o`; to replace the first, add `--overwrite`. `docs/pictures.py` writes this page and makes each\n"
        "picture with the command above it.\n",
    ]
    for recipe in RECIPES:
        picture = f"![{recipe.title}](pictures/{recipe.name}.jpg)"
        parts.append(f"## {recipe.title}\n\n```\n{recipe.command}\n```\n\n{recipe.remark}\n\n{picture}\n")
    return "\n".join(parts)


def commands() -> dict[str, str]:
    """The command for every picture, by the picture's name."""
    return {recipe.name: recipe.command for recipe in RECIPES} | FIGURES


def make(name: str, folder: Path) -> None:
    """Make one picture, and save it as a small JPEG."""
    from dreamcli.__main__ import main as run

    made = folder / f"{name}.png"
    if code := run([*shlex.split(commands()[name])[1:], "-o", str(made)]):
        sys.exit(code)
    with Image.open(made) as picture:
        picture.convert("RGB").save(PICTURES / f"{name}.jpg", quality=QUALITY, optimize=True)


def main() -> None:
    """Make the pictures named on the command line, or all of them."""
    os.chdir(HERE.parent)
    PAGE.write_text(page(), "utf-8")
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or commands():
            make(name, Path(folder))


if __name__ == "__main__":
    main()
