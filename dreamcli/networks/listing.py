"""What networks there are: the facts about each, known without loading it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlparse

import torch

from dreamcli.errors import WrongRequest, did_you_mean

from .known import IN_THE_BOX, is_own, labels_of
from .own import code_of

# the year and the paper of each family, by how its networks' names begin; the longest that fits counts
PAPERS = {
    "alexnet": (2014, "arXiv:1404.5997"),
    "convnext": (2022, "arXiv:2201.03545"),
    "densenet": (2016, "arXiv:1608.06993"),
    "dreamnet": (2026, "models/cards/dreamnet.md"),
    "efficientnet": (2019, "arXiv:1905.11946"),
    "efficientnet_v2": (2021, "arXiv:2104.00298"),
    "googlenet": (2014, "arXiv:1409.4842"),
    "inception": (2015, "arXiv:1512.00567"),
    "lenet": (1998, "LeCun et al., Proceedings of the IEEE 86"),
    "maxvit": (2022, "arXiv:2204.01697"),
    "mnasnet": (2018, "arXiv:1807.11626"),
    "mobilenet_v2": (2018, "arXiv:1801.04381"),
    "mobilenet_v3": (2019, "arXiv:1905.02244"),
    "regnet": (2020, "arXiv:2003.13678"),
    "resnet": (2015, "arXiv:1512.03385"),
    "resnext": (2016, "arXiv:1611.05431"),
    "shufflenet": (2018, "arXiv:1807.11164"),
    "squeezenet": (2016, "arXiv:1602.07360"),
    "swin": (2021, "arXiv:2103.14030"),
    "swin_v2": (2021, "arXiv:2111.09883"),
    "vgg": (2014, "arXiv:1409.1556"),
    "vit": (2020, "arXiv:2010.11929"),
    "wide_resnet": (2016, "arXiv:1605.07146"),
}
TORCHVISION_LICENCE = "as the weights' makers say: https://pytorch.org/vision/stable/models.html"


@dataclass(frozen=True)
class Listing:
    """What is known about a network without loading it. Of one's own that is little: its code is not run.

    Attributes:
        name: as in ``--model``.
        source: who made the weights.
        licence: of the weights, as far as their makers say.
        year, paper: of the architecture; 0 and empty if unknown.
        parameters: how many; 0 if unknown.
        megabytes: of the weights file; 0 if unknown.
        labels: the names of its classes, in order; none if unknown.
        path: where the weights are, or will be once they were fetched; of a network of one's own, its code.
        url: where they are fetched from; None if they aren't.
    """

    name: str
    source: str
    licence: str
    year: int
    paper: str
    parameters: int
    megabytes: float
    labels: tuple[str, ...]
    path: Path
    url: str | None

    @property
    def is_bundled(self) -> bool:
        """Whether dreamcli comes with its weights."""
        return self.name in IN_THE_BOX

    @property
    def card(self) -> str:
        """What its makers say of a bundled network, as Markdown; empty for the others."""
        if not self.is_bundled:
            return ""
        return (files("dreamcli.models") / "cards" / f"{self.name}.md").read_text(encoding="utf-8")

    @property
    def is_here(self) -> bool:
        """Whether it can be used without a network connection."""
        return self.path.exists()


def names() -> list[str]:
    """The names of all networks, those in the box first."""
    import torchvision

    return [*IN_THE_BOX, *torchvision.models.list_models(module=torchvision.models)]


def listing(name: str) -> Listing:
    """Give what is known about a network.

    Raises:
        WrongRequest: no network has this name.
    """
    family = max((key for key in PAPERS if name.startswith(key)), key=len, default="")
    year, paper = PAPERS.get(family, (0, ""))
    if is_own(name):
        return Listing(name, "your own", "your own", 0, "", 0, 0.0, (), code_of(name), None)
    if name in IN_THE_BOX:
        path = Path(str(files("dreamcli.models") / "weights" / f"{name}.safetensors"))
        return Listing(
            name, "trained by dreamcli's own recipe", "MIT; see the card for its data", year, paper,
            _stored_parameters(path), path.stat().st_size / 1e6, labels_of(name), path, None,
        )  # fmt: skip
    import torchvision

    known = names()
    if name not in known:
        raise WrongRequest(
            f"there is no model {name!r}" + (did_you_mean(name, known) or f"; such as {known[0]}, vgg16")
        )
    weights = torchvision.models.get_model_weights(name).DEFAULT
    return Listing(
        name, "torchvision's default weights", TORCHVISION_LICENCE, year, paper,
        weights.meta["num_params"], weights.meta["_file_size"] * 1.048576, tuple(weights.meta["categories"]),
        cached_path(weights.url), weights.url,
    )  # fmt: skip


def cached_path(url: str) -> Path:
    """Where torch.hub keeps what it fetched from ``url``."""
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name


def _stored_parameters(path: Path) -> int:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        shapes = {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118 (it is no mapping)
    return sum(math.prod(shape) for key, shape in shapes.items() if not key.endswith(("running_mean", "running_var")))
