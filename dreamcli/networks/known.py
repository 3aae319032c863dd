"""What can be known of networks without importing torch, which takes seconds: for help and completion."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import as_file, files
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path

from .card import ALIASED_LAYERS, STYLE_LAYERS
from .spec import ALIASES

BUNDLED = "dreamnet"  # the one that is taken where none is named
IN_THE_BOX = (BUNDLED, "lenet5")
DIGITS = tuple("0123456789")
# how torchvision's source says that a function builds a network
_BUILDER = re.compile(r"^@register_model\(.*?\)\n(?:@.*?\n)*def (\w+)", re.MULTILINE | re.DOTALL)


def is_own(name: str) -> bool:
    """Whether a model's name is of the form ``FILE.py:CLASS``."""
    return name.endswith(".py") or name.rpartition(":")[0].endswith(".py")


@cache
def imagenet_labels() -> tuple[str, ...]:
    """The names of ImageNet's 1,000 classes, in their usual order, as torchvision has them."""
    return tuple((files("dreamcli.models") / "labels" / "imagenet.txt").read_text().splitlines())


def labels_of(model: str) -> tuple[str, ...]:
    """The names of a network's classes, in their order, with its own weights; none for a network of one's own."""
    return DIGITS if model == "lenet5" else () if is_own(model) else imagenet_labels()


def model_names() -> list[str]:
    """The names of all networks, those in the box first; torchvision's are read out of its source."""
    found = find_spec("torchvision")
    folder = Path(found.origin).parent / "models" if found and found.origin else Path()
    return [*IN_THE_BOX, *sorted(name for path in folder.glob("*.py") for name in _BUILDER.findall(path.read_text()))]


def layer_names(model: str) -> list[str]:
    """The aliases, and those layers of a network that its card or, in the box, its weights file names."""
    style, content = STYLE_LAYERS.get(model, ((), ""))
    named = [*ALIASED_LAYERS.get(model, ()), *style, *([content] if content else [])]
    if model in IN_THE_BOX:
        from safetensors import safe_open

        with (
            as_file(files("dreamcli.models") / "weights" / f"{model}.safetensors") as path,
            safe_open(path, framework="np") as weights,
        ):
            for key in weights.keys():  # noqa: SIM118 (it is no mapping)
                modules = key.split(".")[:-1]
                named += accumulate(modules, "{}.{}".format)
    return [*ALIASES, *sorted(set(named))]


def class_names(model: str) -> list[str]:
    """The names of a network's classes, with _ for blanks; but for the few with quotes, which mean much to a shell."""
    names = dict.fromkeys(label.replace(" ", "_") for label in labels_of(model))
    return [name for name in names if "'" not in name]
