"""Write the gallery: the pictures of ``samples/make.py`` with their commands. ``uv run python docs/gallery.py``."""

from __future__ import annotations

import runpy
from pathlib import Path

HERE = Path(__file__).resolve().parent
# in the order of the page: each picture, its title, and what it shows, for those who don't see it
SHOWN = {
    "coffee-dream.jpg": ("Beasts in the coffee", "dogs look out of the cup, the spoon and the table"),
    "coffee-vgg.jpg": ("What VGG19 sees in it", "a cup of eyes on a table of spotted fur"),
    "rocket-high.jpg": ("On the launch pad", "the rocket has become a bird, and beasts lie at its feet"),
    "galaxies-mid.jpg": ("Deep field", "galaxies that have become eyes and strings of pearls"),
    "chelsea-low.jpg": ("Fur, drawn", "a cat's face in curling strokes"),
    "classes.jpg": ("Nine classes", "goldfish, jellyfish, butterflies, penguins and more, each filling its square"),
    "channels.jpg": ("Nine channels", "patterns that nine channels of a layer respond to"),
    "styles.jpg": ("Five photos in six styles", "glass, hatching, impasto, ornament, Starry Night, strokes"),
    "chelsea-glass.jpg": ("In stained glass", "a cat's face in leaded panes"),
    "coffee-starry-night.jpg": ("Starry coffee", "a cup of coffee in the swirling strokes of Van Gogh's Starry Night"),
    "coffee-loop.webp": ("An endless zoom", "a film: dogs grow out of the coffee until the coffee comes back"),
    "chelsea-features.jpg": ("What the layers see", "feature maps of a cat, from edges to parts"),
    "filters.jpg": ("The first layer", "small squares with edges and colors"),
    "digits.jpg": ("Digits, as LeNet-5 imagines them", "ten pale shapes like digits"),
}  # fmt: skip
HEAD = """# Gallery

Every picture here was made by the command below it, in a clone of the repository. [Recipes](recipes.md) has more, with
a note on each.
"""


def page() -> str:
    """The page's text."""
    script = runpy.run_path(str(HERE.parent / "samples" / "make.py"))
    commands = {name: f"{command} -o {name}" for name, command in script["PICTURES"].items()}
    commands[script["SHEET"]] = f"uv run python samples/make.py {script['SHEET']}"
    parts = [HEAD]
    for name, (title, description) in SHOWN.items():
        parts.append(f"## {title}\n\n![{description}](../samples/pictures/{name})\n\n```\n{commands[name]}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    (HERE / "gallery.md").write_text(page(), encoding="utf-8")
