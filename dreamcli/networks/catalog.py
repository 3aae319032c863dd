"""Which networks there are, and what is known about each before it is loaded.

The command line reads this for its help and for completion, so torch and torchvision, which take seconds to import,
are only imported by the functions that need them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import accumulate
from pathlib import Path
from types import ModuleType
from urllib.parse import urlparse

from safetensors import safe_open

from dreamcli import plugins
from dreamcli.errors import Hint, WrongRequest, did_you_mean
from dreamcli.settings.layer_spec import ALIASES

from .wheels import WHEELS

BUNDLED = "dreamnet"
# of those that took no part in a picture, the first one chooses among attempts, and the last one says what it sees
DEFAULT_JUDGES = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
AUTO, NO_JUDGE = "auto", "none"  # instead of a judge's name
IN_THE_BOX = (BUNDLED, "lenet5")
_BUNDLED_FILES = Path(import_module("dreamcli.models").__path__[0])  # mapped to models/ in the repository
DIGITS = tuple("0123456789")
WITHOUT_CLASSES = ("vgg19_gatys",)
TORCHVISION_LICENSE = "see the weights' authors: https://pytorch.org/vision/stable/models.html"
# torchvision's, for completion: its registry takes seconds to import. A test compares the two
TORCHVISION = """
    alexnet convnext_base convnext_large convnext_small convnext_tiny densenet121 densenet161 densenet169
    densenet201 efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5
    efficientnet_b6 efficientnet_b7 efficientnet_v2_l efficientnet_v2_m efficientnet_v2_s googlenet inception_v3
    maxvit_t mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3 mobilenet_v2 mobilenet_v3_large mobilenet_v3_small
    regnet_x_16gf regnet_x_1_6gf regnet_x_32gf regnet_x_3_2gf regnet_x_400mf regnet_x_800mf regnet_x_8gf
    regnet_y_128gf regnet_y_16gf regnet_y_1_6gf regnet_y_32gf regnet_y_3_2gf regnet_y_400mf regnet_y_800mf
    regnet_y_8gf resnet101 resnet152 resnet18 resnet34 resnet50 resnext101_32x8d resnext101_64x4d resnext50_32x4d
    shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0 squeezenet1_0 squeezenet1_1 swin_b
    swin_s swin_t swin_v2_b swin_v2_s swin_v2_t vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn vit_b_16
    vit_b_32 vit_h_14 vit_l_16 vit_l_32 wide_resnet101_2 wide_resnet50_2
""".split()  # noqa: SIM905 (a list would be eighty lines long)
# chosen by hand. low: edges and textures; mid: patterns and parts; high: whole objects
ALIASED_LAYERS: Mapping[str, tuple[str, str, str]] = {
    "dreamnet": ("fire4", "fire6", "fire9"),
    "alexnet": ("features.4", "features.7", "features.11"),
    "convnext_tiny": ("features.1", "features.3", "features.5"),
    "densenet121": ("features.denseblock1", "features.denseblock2", "features.denseblock3"),
    "efficientnet_b0": ("features.3", "features.5", "features.6"),
    "efficientnet_lite0": ("block4", "block8", "block10"),
    "efficientnet_lite1": ("block5", "block11", "block14"),
    "efficientnet_lite2": ("block5", "block11", "block14"),
    "googlenet": ("inception3b", "inception4c", "inception4e"),
    "inception_v3": ("Mixed_5d", "Mixed_6c", "Mixed_7a"),
    "lenet5": ("maps.tanh1", "maps.tanh3", "maps.tanh5"),
    "mobilenet_v2": ("features.4", "features.10", "features.14"),
    "resnet18": ("layer2", "layer3", "layer4"),
    "resnet50": ("layer2", "layer3", "layer4"),
    "squeezenet1_0": ("features.4", "features.8", "features.10"),
    "squeezenet1_1": ("features.4", "features.7", "features.10"),
    "vgg16": ("features.15", "features.22", "features.29"),
    "vgg19": ("features.17", "features.26", "features.35"),
    "vgg19_gatys": ("relu3_1", "relu4_1", "relu5_1"),
}
# chosen by hand: where style is measured, from fine to coarse, and where content is
STYLE_LAYERS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "dreamnet": (("stem", "fire2", "fire4", "fire6", "fire8"), "fire4"),
    "alexnet": (("features.1", "features.4", "features.7", "features.9"), "features.9"),
    "efficientnet_lite0": (("block1", "block2", "block5", "block8", "block12"), "block4"),
    "efficientnet_lite1": (("block1", "block3", "block6", "block11", "block15"), "block5"),
    "efficientnet_lite2": (("block1", "block3", "block6", "block11", "block15"), "block5"),
    "googlenet": (("conv1", "conv3", "inception3b", "inception4b", "inception4e"), "inception4b"),
    "lenet5": (("maps.tanh1", "maps.tanh3"), "maps.tanh3"),
    "resnet18": (("relu", "layer1", "layer2", "layer3"), "layer3"),
    "resnet50": (("relu", "layer1", "layer2", "layer3"), "layer3"),
    "squeezenet1_0": (("features.1", "features.3", "features.5", "features.8", "features.10"), "features.5"),
    "squeezenet1_1": (("features.1", "features.3", "features.6", "features.9", "features.11"), "features.6"),
    "vgg16": (("features.1", "features.6", "features.11", "features.18", "features.25"), "features.20"),
    "vgg19": (("features.1", "features.6", "features.11", "features.20", "features.29"), "features.22"),
    "vgg19_gatys": (("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"), "relu4_2"),
}
# families whose activations are few and large, since every block adds to the one before
RESIDUAL = ("resnet", "resnext", "wide_resnet", "regnet")
# the year and the paper of each family, by how its networks' names begin; the longest match counts
PAPERS = {
    "alexnet": (2014, "arXiv:1404.5997"),
    "convnext": (2022, "arXiv:2201.03545"),
    "densenet": (2016, "arXiv:1608.06993"),
    "dreamnet": (2026, "models/cards/dreamnet.md"),
    "efficientnet": (2019, "arXiv:1905.11946"),
    "efficientnet_lite": (2020, "arXiv:1905.11946"),
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


@dataclass(frozen=True)
class Listing:
    """What is known about a network before it is loaded; about the user's own, little, since its code isn't run.

    Attributes:
        source: who made the weights.
        license: the license of the weights, as far as their makers say.
        year, paper: when and where the architecture was published; 0 and empty if unknown.
        parameters, megabytes: how many, and the size of the weights file; 0 if unknown.
        labels: the names of the classes, in order; empty if unknown.
        path: where the weights are, or will be once downloaded; for the user's own network, its code.
        url: where the weights are downloaded from; None if they aren't.
    """

    name: str
    source: str
    license: str
    year: int
    paper: str
    parameters: int
    megabytes: float
    labels: tuple[str, ...]
    path: Path
    url: str | None

    @property
    def is_bundled(self) -> bool:
        """Whether its weights come with dreamcli."""
        return self.name in IN_THE_BOX

    @property
    def card(self) -> str:
        """The model card of a network that comes with dreamcli, as Markdown; empty for the others."""
        path = _BUNDLED_FILES / "cards" / f"{self.name}.md"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def is_here(self) -> bool:
        """Whether it can be used offline."""
        return self.path.exists()


def listing(name: str) -> Listing:
    """Look up what is known about a network.

    Raises:
        WrongRequest: no network has this name.
    """
    family = max((key for key in PAPERS if name.startswith(key)), key=len, default="")
    year, paper = PAPERS.get(family, (0, ""))
    if is_own(name):
        return Listing(name, "your own", "your own", 0, "", 0, 0.0, (), code_of(name), None)
    if name in IN_THE_BOX:
        path = _bundled_weights(name)
        return Listing(
            name, "trained by dreamcli's own recipe", "MIT; see the card for its data", year, paper,
            _stored_parameters(path), path.stat().st_size / 1e6, labels_of(name), path, None,
        )  # fmt: skip
    if wheel := WHEELS.get(name):
        return Listing(
            name, wheel.source, wheel.license, year, paper, wheel.parameters, wheel.megabytes, labels_of(name),
            wheel.path, None,
        )  # fmt: skip
    if packaged := plugins.network(name):
        weights = packaged.weights
        is_counted = weights.suffix == ".safetensors" and weights.is_file()
        parameters = _stored_parameters(weights) if is_counted else 0
        size = weights.stat().st_size / 1e6 if weights.is_file() else 0.0
        return Listing(
            name, packaged.source or "another package", packaged.license, packaged.year, packaged.paper,
            parameters, size, packaged.labels, weights, None,
        )  # fmt: skip
    known = installed_names()
    if name not in known:
        guess = did_you_mean(name, known)
        raise WrongRequest(f"there is no model {name!r}{guess}", None if guess else Hint.LIST_MODELS)
    from torch.hub import get_dir

    weights = torchvision_models().get_model_weights(name).DEFAULT
    path = Path(get_dir()) / "checkpoints" / Path(urlparse(weights.url).path).name  # as torch.hub keeps it
    return Listing(
        name, "torchvision's default weights", TORCHVISION_LICENSE, year, paper,
        weights.meta["num_params"], weights.meta.get("_file_size", 0) * 1.048576, tuple(weights.meta["categories"]),
        path, weights.url,
    )  # fmt: skip


def aliased_layers(name: str) -> tuple[str, ...]:
    """The layers that somebody chose for low, mid and high; empty if nobody did."""
    if name in ALIASED_LAYERS:
        return ALIASED_LAYERS[name]
    packaged = plugins.network(name)
    return (packaged.layers if packaged else None) or ()


def is_own(name: str) -> bool:
    """Whether a model's name has the form ``FILE.py:CLASS``: a network of the user's own."""
    return name.endswith(".py") or name.rpartition(":")[0].endswith(".py")


def code_of(name: str) -> Path:
    """The Python file in ``FILE.py:CLASS``.

    Raises:
        WrongRequest: the file doesn't exist, or no class is named.
    """
    file, _, wanted = name.rpartition(":") if ":" in name else (name, "", "")
    if not wanted:
        raise WrongRequest(f"{name} does not name a class; the form is {name}:CLASS")
    if not Path(file).is_file():
        raise WrongRequest(f"{name}: there is no file {file}")
    return Path(file)


def model_names() -> list[str]:
    """The names of all networks, those that come with dreamcli first; of torchvision's, those known without torch."""
    return _with_own(TORCHVISION)


def installed_names() -> list[str]:
    """The names of all networks, with exactly those that the installed torchvision has; it is imported."""
    models = torchvision_models()
    return _with_own(models.list_models(module=models))


def is_listed(name: str) -> bool:
    """Whether a network that isn't the user's own has this name. Torchvision is imported only for unknown ones."""
    return not is_own(name) and (name in model_names() or name in installed_names())


def _with_own(others: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*IN_THE_BOX, *WHEELS, *plugins.names(plugins.NETWORK_GROUP), *others]))


def layer_names(model: str) -> list[str]:
    """The aliases, and the layers of a network that are known: those chosen by hand, and all of a bundled one's."""
    style, content = STYLE_LAYERS.get(model, ((), ""))
    named = {*aliased_layers(model), *style, content} - {""}
    if model in IN_THE_BOX:
        for key in _stored_shapes(_bundled_weights(model)):
            named.update(accumulate(key.split(".")[:-1], "{}.{}".format))
    return [*ALIASES, *sorted(named)]


def labels_of(model: str) -> tuple[str, ...]:
    """The names of a network's classes with its default weights, in order; none for the user's own."""
    if model == "lenet5":
        return DIGITS
    if model not in (*IN_THE_BOX, *WHEELS) and model in plugins.names(plugins.NETWORK_GROUP):
        return listing(model).labels
    return () if is_own(model) or model in WITHOUT_CLASSES else imagenet_labels()


@cache
def imagenet_labels() -> tuple[str, ...]:
    """The names of ImageNet's 1,000 classes, in the usual order, as torchvision has them."""
    return tuple((_BUNDLED_FILES / "labels" / "imagenet.txt").read_text("utf-8").splitlines())


def class_names(model: str) -> list[str]:
    """The names of a network's classes, with _ for spaces; without the few that hold a quote, special to a shell."""
    names = dict.fromkeys(label.replace(" ", "_") for label in labels_of(model))
    return [name for name in names if "'" not in name]


def torchvision_models() -> ModuleType:
    """`torchvision.models`, imported on first use."""
    return import_module("torchvision.models")


def _bundled_weights(model: str) -> Path:
    return _BUNDLED_FILES / "weights" / f"{model}.safetensors"


def _stored_shapes(path: Path) -> dict[str, list[int]]:
    with safe_open(path, framework="np") as file:
        return {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118 (it isn't a mapping)


def _stored_parameters(path: Path) -> int:
    shapes = _stored_shapes(path).items()
    return sum(math.prod(shape) for key, shape in shapes if not key.endswith(("running_mean", "running_var")))
